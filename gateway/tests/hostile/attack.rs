//! Peers that want to hurt, as threads of this process. They run at the lowest priority: in the field they
//! burn their own processors, and here it is the server's share in the hurt that is looked for.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use portcullis_client::{Client, Options};
use wire::{NewOrder, codec};

use super::desk::order;
use super::server::Server;

/// An attack under way.
pub(crate) struct Attack {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Attack {
    pub(crate) fn nobody() -> Self {
        Self {
            stop: Arc::default(),
            threads: Vec::new(),
        }
    }

    /// Repeats `act` until the end, with a pause between.
    fn repeat(&mut self, pause: Duration, mut act: impl FnMut() + Send + 'static) {
        let stop = Arc::clone(&self.stop);
        self.threads.push(std::thread::spawn(move || {
            lower_priority();
            while !stop.load(Ordering::Relaxed) {
                act();
                std::thread::sleep(pause);
            }
        }));
    }

    pub(crate) fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().unwrap();
        }
    }
}

/// Lets the calling thread run only when nobody else wants the processor. Where that is refused the
/// measurement is only harsher.
fn lower_priority() {
    let Ok(path) = std::fs::read_link("/proc/thread-self") else {
        return;
    };
    if let Some(thread) = path.file_name() {
        let mut idle = Command::new("chrt");
        idle.args(["--idle", "--pid", "0"]).arg(thread);
        drop(idle.stdout(Stdio::null()).stderr(Stdio::null()).status());
    }
}

/// Desks that send as much as the line takes, far above their rate, and come back whenever they are ended.
pub(crate) fn floods(server: &Server, count: u32) -> Attack {
    let mut attack = Attack::nobody();
    for session_id in 2..=count + 1 {
        let (address, credentials) = (server.address, server.credentials(session_id));
        let mut client: Option<Client> = None;
        attack.repeat(Duration::from_micros(200), move || {
            let Some(flooding) = &mut client else {
                let options = Options {
                    resend: false,
                    ..Options::default()
                };
                client = Client::connect(address, credentials.clone(), options).ok();
                if client.is_none() {
                    std::thread::sleep(Duration::from_millis(50));
                }
                return;
            };
            for _ in 0..100 {
                let next = flooding.next_seq_no();
                flooding.queue(order(next));
            }
            let over = flooding.flush().is_err() || flooding.try_recv().is_err();
            if over {
                client = None;
            }
        });
    }
    attack
}

/// Sessions that send ten orders a second each and read no answer.
pub(crate) fn deaf(server: &Server, count: u32) -> Attack {
    let mut attack = Attack::nobody();
    let mut clients: Vec<(Client, u64)> = (2..=count + 1)
        .filter_map(|session_id| {
            let credentials = server.credentials(session_id);
            let client = Client::connect(server.address, credentials, Options::default()).ok()?;
            client
                .socket()
                .set_write_timeout(Some(Duration::from_millis(5)))
                .unwrap();
            // clOrdIds go on where an earlier attack of the session ended.
            let next = client.next_seq_no();
            Some((client, next))
        })
        .collect();
    assert!(!clients.is_empty(), "nobody was let in to be deaf");
    attack.repeat(Duration::from_millis(100), move || {
        for (client, next) in &mut clients {
            client.queue(order(*next));
            *next += 1;
            // One that was ended goes on shouting at a closed door.
            drop(client.flush());
        }
    });
    attack
}

/// Connections that are made and dropped, as fast as the system does it.
pub(crate) fn connects(address: SocketAddr, count: u32) -> Attack {
    let mut attack = Attack::nobody();
    let mut left = count;
    attack.repeat(Duration::from_millis(1), move || {
        for _ in 0..5.min(left) {
            drop(TcpStream::connect(address));
        }
        left = left.saturating_sub(5);
    });
    attack
}

/// Sessions that write their orders one byte at a time, and newcomers that do so with their logon.
pub(crate) fn slow_writers(server: &Server, count: u32) -> Attack {
    let mut attack = Attack::nobody();
    let mut frame = [0; codec::MAX_FRAME];
    let length = codec::encode_frame(
        &NewOrder {
            seq_no: 1,
            ..order(1)
        },
        &mut frame,
    );
    let (address, mut at) = (server.address, 0);
    let mut sockets: Vec<TcpStream> = Vec::new();
    let count = usize::try_from(count).unwrap();
    attack.repeat(Duration::from_millis(20), move || {
        sockets.retain_mut(|socket| socket.write(&frame[at..=at]).is_ok());
        while sockets.len() < count {
            let Ok(socket) = TcpStream::connect(address) else {
                break;
            };
            socket.set_nodelay(true).unwrap();
            sockets.push(socket);
        }
        at = (at + 1) % length;
    });
    let mut clients: Vec<Client> = (2..=server_sessions(count))
        .filter_map(|session_id| {
            Client::connect(
                server.address,
                server.credentials(session_id),
                Options::default(),
            )
            .ok()
        })
        .collect();
    let mut at = 0;
    let frame: Vec<u8> = frame[..length].to_vec();
    attack.repeat(Duration::from_millis(2), move || {
        for client in &mut clients {
            drop(client.socket().write(&frame[at..=at]));
        }
        at = (at + 1) % frame.len();
    });
    attack
}

/// Some of the sessions.
fn server_sessions(count: usize) -> u32 {
    u32::try_from(count.min(20)).unwrap()
}

/// Connections that never log on; those that are closed are made again.
pub(crate) fn half_open(address: SocketAddr, count: u32) -> Attack {
    let mut attack = Attack::nobody();
    let mut sockets = hold(address, count);
    attack.repeat(Duration::from_millis(50), move || {
        for socket in &mut sockets {
            let mut bytes = [0; 256];
            if matches!(socket.read(&mut bytes), Ok(0))
                && let Ok(next) = TcpStream::connect(address)
            {
                next.set_nonblocking(true).unwrap();
                *socket = next;
            }
        }
    });
    attack
}

/// Connections that are only held.
pub(crate) fn hold(address: SocketAddr, count: u32) -> Vec<TcpStream> {
    (0..count)
        .filter_map(|_| {
            let socket = TcpStream::connect(address).ok()?;
            socket.set_nonblocking(true).unwrap();
            Some(socket)
        })
        .collect()
}
