//! Checks logon signatures and computes TLS handshakes off the I/O thread: one takes longer than a
//! hundred orders.

use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crossbeam::channel::{Receiver, Sender, TrySendError, bounded, unbounded};
use ed25519_dalek::{Signature, VerifyingKey};
use wire::session::logon_signed_bytes;
use wire::{Hello, Logon, Text, codec};

use crate::tls::Handshake;

/// Checks and handshakes that may wait; beyond it a newcomer is asked to come back.
const WAITING_MAX: usize = 256;

/// One check to be made.
#[derive(Debug)]
pub struct Check {
    /// Connection, for the answer.
    pub connection: usize,
    /// Key of the session that the logon names.
    pub key: VerifyingKey,
    /// Greeting of the connection.
    pub hello: Hello,
    /// The logon.
    pub logon: Logon,
}

/// What the thread does.
#[derive(Debug)]
pub enum Job {
    /// A logon to be checked.
    Logon(Box<Check>),
    /// A handshake to be advanced, of a connection.
    Handshake(usize, Handshake),
}

/// What came of it.
#[derive(Debug)]
pub enum Verdict {
    /// Of a connection: whether its signature holds.
    Logon(usize, bool),
    /// Of a connection: its handshake again, or what is wrong with it.
    Handshake(usize, Result<Handshake, rustls::Error>),
}

/// The thread that checks.
#[derive(Debug)]
pub struct Verifier {
    checks: Option<Sender<Job>>,
    verdicts: Receiver<Verdict>,
    thread: Option<JoinHandle<()>>,
}

impl Verifier {
    /// Starts the thread; `wake` is called after each verdict.
    ///
    /// # Errors
    /// What the system says when the thread can't be started.
    pub fn start(wake: Arc<dyn Fn() + Send + Sync>) -> std::io::Result<Self> {
        let (checks, inbox) = bounded::<Job>(WAITING_MAX);
        let (outbox, verdicts) = unbounded();
        let thread = thread::Builder::new()
            .name("portcullis-verifier".to_owned())
            .spawn(move || {
                for job in inbox {
                    let verdict = match job {
                        Job::Logon(check) => {
                            Verdict::Logon(check.connection, signature_holds(&check))
                        }
                        Job::Handshake(connection, mut handshake) => {
                            let advanced = handshake.advance().map(|()| handshake);
                            Verdict::Handshake(connection, advanced)
                        }
                    };
                    if outbox.send(verdict).is_err() {
                        return;
                    }
                    wake();
                }
            })?;
        Ok(Self {
            checks: Some(checks),
            verdicts,
            thread: Some(thread),
        })
    }

    /// Hands over a job; false if too many wait.
    #[must_use]
    pub fn submit(&self, job: Job) -> bool {
        let Some(checks) = &self.checks else {
            return false;
        };
        match checks.try_send(job) {
            Ok(()) => true,
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => false,
        }
    }

    /// The next verdict.
    #[must_use]
    pub fn verdict(&self) -> Option<Verdict> {
        self.verdicts.try_recv().ok()
    }

    /// Whether a verdict waits.
    #[must_use]
    pub fn has_verdict(&self) -> bool {
        !self.verdicts.is_empty()
    }
}

impl Drop for Verifier {
    fn drop(&mut self) {
        self.checks = None;
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported by the hook already.
            drop(thread.join());
        }
    }
}

/// Whether the signature is the key's over exactly the bytes that were sent.
fn signature_holds(check: &Check) -> bool {
    let Some(signature) = from_hex::<64>(&check.logon.signature.0) else {
        return false;
    };
    // Encoding is exact for every block that decoding accepted: it has no other representation.
    let mut block = [0; codec::MAX_FRAME];
    let len = codec::encode_block(&check.logon, &mut block);
    let signed = logon_signed_bytes(&check.hello, &block[..len]);
    check
        .key
        .verify_strict(&signed, &Signature::from_bytes(&signature))
        .is_ok()
}

/// Reads a public key of 64 hexadecimal digits; `None` if it is not one, or a weak one.
#[must_use]
pub fn public_key(hex: &str) -> Option<VerifyingKey> {
    let bytes = from_hex::<32>(hex.as_bytes())?;
    VerifyingKey::from_bytes(&bytes)
        .ok()
        .filter(|key| !key.is_weak())
}

fn from_hex<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    if digits.len() != 2 * N {
        return None;
    }
    let mut out = [0; N];
    for (byte, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |b: u8| {
            char::from(b)
                .to_digit(16)
                .and_then(|d| u8::try_from(d).ok())
        };
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(out)
}

/// Sixteen random bytes as 32 hexadecimal digits: the challenge of one connection.
///
/// # Errors
/// If the system has no random bytes to give: then nobody can be let in.
pub fn challenge() -> Result<Text<32>, getrandom::Error> {
    let mut random = [0_u8; 16];
    getrandom::fill(&mut random)?;
    let mut digits = [0; 32];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(random) {
        pair[0] = b"0123456789abcdef"[usize::from(byte >> 4)];
        pair[1] = b"0123456789abcdef"[usize::from(byte & 15)];
    }
    Ok(Text(digits))
}

#[cfg(test)]
mod tests {
    use super::*;
    use portcullis_client::{Credentials, Options, keys, signed_logon};
    use wire::Role;

    fn check() -> Check {
        let key = keys::generate().unwrap();
        let hello = Hello {
            challenge: challenge().unwrap(),
            instance: Text::new("test"),
            ..Hello::default()
        };
        let credentials = Credentials {
            session_id: 1,
            role: Role::Desk,
            key_id: 1,
            expected_instance: None,
            key: key.clone(),
        };
        Check {
            connection: 7,
            key: public_key(&keys::public_hex(&key)).unwrap(),
            hello,
            logon: signed_logon(&hello, &credentials, &Options::default(), 0, 0),
        }
    }

    #[test]
    fn a_signature_holds_for_its_own_logon_challenge_and_instance_only() {
        let good = check();
        assert!(signature_holds(&good));
        let mut other = check();
        other.logon.signature = good.logon.signature;
        assert!(!signature_holds(&other));
        let mut changed = check();
        changed.logon.next_expected_seq_no += 1;
        assert!(!signature_holds(&changed));
        let mut replayed = check();
        replayed.hello.challenge = challenge().unwrap();
        assert!(!signature_holds(&replayed));
        let mut relayed = check();
        relayed.hello.instance = Text::new("rogue");
        assert!(!signature_holds(&relayed));
        let mut garbage = check();
        garbage.logon.signature = Text::new("not hexadecimal");
        assert!(!signature_holds(&garbage));
    }

    #[test]
    fn verdicts_come_back_by_connection() {
        let verifier = Verifier::start(Arc::new(|| {})).unwrap();
        assert!(verifier.submit(Job::Logon(Box::new(check()))));
        let verdict = loop {
            if let Some(verdict) = verifier.verdict() {
                break verdict;
            }
            thread::yield_now();
        };
        assert!(matches!(verdict, Verdict::Logon(7, true)), "{verdict:?}");
    }

    #[test]
    fn a_weak_or_misspelt_public_key_is_none() {
        assert!(public_key("").is_none());
        assert!(public_key(&"zz".repeat(32)).is_none());
        let identity = format!("01{}", "00".repeat(31));
        assert!(public_key(&identity).is_none());
    }
}
