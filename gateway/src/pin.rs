//! Puts threads on cores, where the configuration asks for it.

use std::sync::OnceLock;

/// Cores of the I/O, the engine and the writer thread.
static CORES: OnceLock<[u16; 3]> = OnceLock::new();

/// Decides the cores of this process's threads, before they start; later decisions change nothing.
pub fn plan(cores: [u16; 3]) {
    CORES.get_or_init(|| cores);
}

/// Puts the calling thread on its core, if one was decided for its name.
pub fn here(name: &'static str) {
    let Some([io, engine, writer]) = CORES.get() else {
        return;
    };
    let core = match name {
        "gateway" => *io,
        "engine" => *engine,
        "writer" => *writer,
        // The others belong off those cores, wherever the system puts them.
        _ => return,
    };
    let id = core_affinity::CoreId { id: core.into() };
    if !core_affinity::set_for_current(id) {
        tracing::warn!(core, thread = name, "the thread could not be pinned");
    }
}
