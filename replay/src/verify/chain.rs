//! `verify --chain`, `--key`, `--anchor`: order and completeness from the first segment to the last.

use super::VerifyArgs;
use crate::output::{Failure, hex, progress};
use engine::chain::{Against, ChainError, Proven, prove};
use engine::journal::{Head, RealFiles};
use serde_json::{Value, json};
use std::fs;
use std::io::{self, Write};
use std::path::Path;

/// Prints the proof, or gives it back where it is to be a part of one JSON object.
pub(super) fn run(dir: &Path, args: &VerifyArgs) -> Result<Option<Value>, Failure> {
    let key = args.key.as_deref().map(read_key).transpose()?;
    let heads = match &args.anchor {
        Some(path) => read_heads(path, key.as_ref())?,
        None => Vec::new(),
    };
    let bar = progress(0);
    let proven = prove(RealFiles::new(dir), &Against { key, heads }, |so_far| {
        bar.set_length(so_far.bytes_total);
        bar.set_position(so_far.bytes);
    });
    bar.finish_and_clear();
    let mut out = io::stdout().lock();
    match proven {
        Ok(proven) if args.json && !args.chain => return Ok(Some(as_json(&proven))),
        Ok(proven) if args.json => writeln!(out, "{}", as_json(&proven))?,
        Ok(proven) => for_people(&mut out, &proven, args)?,
        Err(error) => {
            if args.json {
                // A reader that has gone must not hide that the journal is not whole.
                drop(writeln!(out, "{}", failed_json(&error)));
            }
            return Err(Failure::new(error.exit_code(), error.to_string()));
        }
    }
    Ok(None)
}

/// A public key as `server.pub` holds it: 64 hexadecimal digits.
fn read_key(path: &Path) -> Result<[u8; 32], Failure> {
    let wrong = |what: &str| {
        let place = path.display();
        Failure::new(
            2,
            format!("{place}: {what}; the server's is DATA/keys/server.pub"),
        )
    };
    let text = fs::read_to_string(path).map_err(|error| wrong(&error.to_string()))?;
    let text = text.trim();
    let mut key = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return Err(wrong("not 64 hexadecimal digits"));
    }
    for (at, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16)
            .map_err(|_| wrong("not 64 hexadecimal digits"))?;
    }
    Ok(key)
}

fn read_heads(path: &Path, key: Option<&[u8; 32]>) -> Result<Vec<(usize, Head)>, Failure> {
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::new(1, format!("{}: {error}", path.display())))?;
    let lines = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty());
    let heads: Vec<(usize, Head)> = lines
        .map(|(at, line)| {
            let head = Head::parse(line, key).map_err(|what| {
                Failure::new(3, format!("{}:{}: {what}", path.display(), at + 1))
            })?;
            Ok((at + 1, head))
        })
        .collect::<Result<_, Failure>>()?;
    if heads.is_empty() {
        let what = format!(
            "{}: no head is in it, so it proves nothing; it is a copy of what `heads` in [journal] names",
            path.display()
        );
        return Err(Failure::new(2, what));
    }
    Ok(heads)
}

fn as_json(proven: &Proven) -> Value {
    json!({
        "complete": true,
        "firstSegment": proven.first.0,
        "lastSegment": proven.last.0,
        "firstSequence": proven.first_sequence,
        "lastSequence": proven.last_sequence,
        "frames": proven.frames,
        "sealed": proven.sealed,
        "notYetSealed": proven.not_yet_sealed,
        "heads": proven.heads,
        "headsBefore": proven.heads_before,
        "removedUpTo": proven.removed.map(|removed| removed.last_sequence),
        "torn": proven.torn.map(|torn| torn.position.to_string()),
        "chain": hex(&proven.chain.0),
    })
}

fn failed_json(error: &ChainError) -> Value {
    let mut object = json!({ "complete": false, "error": error.to_string() });
    if let Some(position) = error.position() {
        object["segment"] = json!(position.segment.to_string());
        object["offset"] = json!(position.offset);
    }
    object
}

fn for_people(out: &mut impl Write, proven: &Proven, args: &VerifyArgs) -> io::Result<()> {
    writeln!(
        out,
        "complete and in order: records {} to {}, {} to {}",
        proven.first_sequence, proven.last_sequence, proven.first, proven.last
    )?;
    let finished = proven.last.0.saturating_sub(proven.first.0);
    let by = if args.key.is_some() {
        ""
    } else {
        " (by the key that each names; --key FILE asks for one)"
    };
    writeln!(
        out,
        "sealed          {} of {finished} finished segments{by}",
        proven.sealed
    )?;
    if proven.not_yet_sealed > 0 && args.key.is_some() {
        writeln!(
            out,
            "not yet sealed  {}: the server that finished them runs, or was killed; it seals them when it starts",
            proven.not_yet_sealed
        )?;
    }
    if args.anchor.is_some() {
        writeln!(out, "heads met       {}", proven.heads)?;
    }
    if proven.heads_before > 0 {
        writeln!(
            out,
            "heads before    {} (their segments have been removed)",
            proven.heads_before
        )?;
    }
    if let Some(removed) = proven.removed {
        writeln!(
            out,
            "removed         records up to {}, as the journal itself says",
            removed.last_sequence
        )?;
    }
    if let Some(torn) = proven.torn {
        writeln!(
            out,
            "ends            in the middle of a write at {}",
            torn.position
        )?;
    }
    writeln!(out, "chain           {}", proven.chain)
}
