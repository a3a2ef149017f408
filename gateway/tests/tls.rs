//! TLS 1.3 on the same loop: who gets in, what goes through, and what a handshake may not hold up.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test that meets something else fails"
)]

mod support;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use engine::pipeline::AckPolicy;
use gateway::key_ring::KeyRing;
use gateway::server::{Limits, Reload};
use gateway::tls::{TlsError, TlsFiles};
use portcullis_client::tls::{Identity, Tls};
use portcullis_client::{Client, ClientError, Options, keys};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use support::{Fixture, order, reply, until};
use wire::Reply;

/// An authority and what it signs, as files.
struct Authority {
    dir: tempfile::TempDir,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        fs::write(dir.path().join("authority.pem"), issuer.pem()).unwrap();
        Self { dir, issuer }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Certificate and key of a name, as files.
    fn sign(&self, name: &str) -> (PathBuf, PathBuf) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let paths = (
            self.path(&format!("{name}.pem")),
            self.path(&format!("{name}.key")),
        );
        fs::write(&paths.0, certificate.pem()).unwrap();
        fs::write(&paths.1, key.serialize_pem()).unwrap();
        fs::set_permissions(&paths.1, fs::Permissions::from_mode(0o600)).unwrap();
        paths
    }

    fn files(&self, mutual: bool) -> TlsFiles {
        let (certificate, key) = self.sign("localhost");
        TlsFiles {
            certificate,
            key,
            client_authorities: mutual.then(|| self.path("authority.pem")),
        }
    }

    fn trusted(&self, name: &str, identity: Option<(&Path, &Path)>) -> Options {
        let identity = identity.map(|(certificate, key)| Identity { certificate, key });
        Options {
            tls: Some(Tls::new(&self.path("authority.pem"), name, identity).unwrap()),
            ..Options::default()
        }
    }
}

fn serve(files: &TlsFiles, limits: Limits) -> Fixture {
    Fixture::start_tls(limits, AckPolicy::Durable, Some(files.load().unwrap()))
}

fn connect(fixture: &Fixture, options: Options) -> Result<Client, ClientError> {
    Client::connect(fixture.address, fixture.credentials(1), options)
}

#[test]
fn a_desk_trades_under_tls_and_takes_its_session_up_again() {
    let authority = Authority::new();
    let fixture = serve(&authority.files(false), Limits::default());
    let mut client = connect(&fixture, authority.trusted("localhost", None)).unwrap();
    // More than fits into the buffers of TLS and of the socket.
    for n in 1..=20_000 {
        client.queue(order(n));
        if n % 500 == 0 {
            client.flush().unwrap();
        }
    }
    client.flush().unwrap();
    for n in 1..=20_000 {
        assert!(matches!(reply(&mut client), Reply::OrderAccepted(m) if m.cl_ord_id == n));
    }
    client.socket().shutdown(std::net::Shutdown::Both).unwrap();
    client.reconnect().unwrap();
    client.send(order(20_001)).unwrap();
    assert!(matches!(reply(&mut client), Reply::OrderAccepted(m) if m.cl_ord_id == 20_001));
    client.terminate().unwrap();
}

#[test]
fn plain_tcp_another_name_and_another_authority_do_not_get_in() {
    let authority = Authority::new();
    let fixture = serve(&authority.files(false), Limits::default());
    let plain = Options {
        timeout: Duration::from_secs(4),
        ..Options::default()
    };
    assert!(connect(&fixture, plain).is_err());
    assert!(connect(&fixture, authority.trusted("another", None)).is_err());
    assert!(connect(&fixture, Authority::new().trusted("localhost", None)).is_err());
    connect(&fixture, authority.trusted("localhost", None)).unwrap();
}

#[test]
fn a_server_that_asks_for_certificates_lets_in_who_shows_one_of_its_authorities() {
    let authority = Authority::new();
    let fixture = serve(&authority.files(true), Limits::default());
    assert!(connect(&fixture, authority.trusted("localhost", None)).is_err());
    let strangers = Authority::new();
    let (certificate, key) = strangers.sign("desk");
    let shown = authority.trusted("localhost", Some((&certificate, &key)));
    assert!(connect(&fixture, shown).is_err());
    let (certificate, key) = authority.sign("desk");
    let options = authority.trusted("localhost", Some((&certificate, &key)));
    let mut client = connect(&fixture, options).unwrap();
    client.send(order(1)).unwrap();
    assert!(matches!(reply(&mut client), Reply::OrderAccepted(_)));
}

#[test]
fn a_handshake_that_stalls_byte_by_byte_ends_in_time_and_holds_nobody_up() {
    let authority = Authority::new();
    let limits = Limits {
        handshake: Duration::from_millis(1500),
        ..Limits::default()
    };
    let fixture = serve(&authority.files(false), limits);
    let mut client = connect(&fixture, authority.trusted("localhost", None)).unwrap();
    let mut stalled: Vec<TcpStream> = (0..20)
        .map(|_| TcpStream::connect(fixture.address).unwrap())
        .collect();
    let mut gone = 0;
    until("all are closed", || {
        for socket in &mut stalled {
            // The first bytes of a ClientHello's record, one at a time.
            drop(socket.write(&[0x16]));
        }
        client.send(order(client.next_seq_no())).unwrap();
        assert!(matches!(reply(&mut client), Reply::OrderAccepted(_)));
        stalled.retain_mut(|socket| {
            socket
                .set_read_timeout(Some(Duration::from_millis(1)))
                .unwrap();
            let mut bytes = [0; 64];
            let open = match socket.read(&mut bytes) {
                Ok(n) => n > 0,
                Err(error) => matches!(
                    error.kind(),
                    std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                ),
            };
            gone += usize::from(!open);
            open
        });
        stalled.is_empty()
    });
    assert_eq!(gone, 20);
}

#[test]
fn a_new_certificate_is_for_new_connections() {
    let authority = Authority::new();
    let fixture = serve(&authority.files(false), Limits::default());
    let mut old = connect(&fixture, authority.trusted("localhost", None)).unwrap();
    let (certificate, key) = authority.sign("renewed");
    let files = TlsFiles {
        certificate,
        key,
        client_authorities: None,
    };
    let mut keys = KeyRing::new();
    for id in [1, 2] {
        keys.add(id, 1, fixture.credentials(id).key.verifying_key());
    }
    fixture.reload.replace(Reload {
        keys,
        journal: Vec::new(),
        tls: Some(files.load().unwrap()),
    });
    until("the new certificate is shown", || {
        let options = authority.trusted("renewed", None);
        Client::connect(fixture.address, fixture.credentials(2), options).is_ok()
    });
    old.send(order(1)).unwrap();
    assert!(matches!(reply(&mut old), Reply::OrderAccepted(_)));
}

#[test]
fn a_key_that_others_may_read_and_a_file_without_a_certificate_are_refused_by_name() {
    let authority = Authority::new();
    let files = authority.files(false);
    fs::set_permissions(&files.key, fs::Permissions::from_mode(0o640)).unwrap();
    let error = files.load().unwrap_err();
    assert!(
        matches!(error, TlsError::Mode { mode: 0o640, .. }),
        "{error}"
    );
    assert!(error.to_string().contains("chmod 600"));
    fs::set_permissions(&files.key, fs::Permissions::from_mode(0o600)).unwrap();
    let empty = TlsFiles {
        certificate: files.key.clone(),
        ..files.clone()
    };
    let error = empty.load().unwrap_err().to_string();
    assert!(error.contains("no certificate is in it"), "{error}");
    let mismatched = TlsFiles {
        certificate: authority.sign("other").0,
        ..files
    };
    assert!(matches!(mismatched.load(), Err(TlsError::Unusable { .. })));
}

/// A command of `portcullis` as session 1 of the fixture: exit code and stderr.
fn command(fixture: &Fixture, host: &str, more: &[&str]) -> (Option<i32>, String) {
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("desk.key");
    keys::save(&fixture.credentials(1).key, &key).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .args([
            "room",
            "--account",
            "1",
            "--instrument",
            "1",
            "--session",
            "1",
        ])
        .args(["--connect", &format!("{host}:{}", fixture.address.port())])
        .arg("--key")
        .arg(&key)
        .args(more)
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), told)
}

#[test]
fn the_commands_name_the_flag_that_is_missing() {
    let authority = Authority::new();
    let limits = Limits {
        handshake: Duration::from_millis(500),
        ..Limits::default()
    };
    let fixture = serve(&authority.files(false), limits);
    let trusted = authority.path("authority.pem");
    let trust = ["--tls-authorities", trusted.to_str().unwrap()];
    let (code, told) = command(&fixture, "127.0.0.1", &[]);
    assert_eq!(code, Some(5), "{told}");
    assert!(
        told.contains("speaks TLS: add --tls-authorities FILE"),
        "{told}"
    );
    let (code, told) = command(&fixture, "127.0.0.1", &trust);
    assert_eq!(code, Some(5), "{told}");
    assert!(told.contains("--tls-name NAME"), "{told}");
    let named = [&trust[..], &["--tls-name", "localhost"]].concat();
    let (code, told) = command(&fixture, "127.0.0.1", &named);
    assert_eq!((code, told.as_str()), (Some(0), ""));
    // What a server writes into its address file when it listens everywhere.
    let (code, told) = command(&fixture, "0.0.0.0", &trust);
    assert_eq!((code, told.as_str()), (Some(0), ""));
    let strangers = Authority::new();
    let theirs = strangers.path("authority.pem");
    let others = [
        "--tls-name",
        "localhost",
        "--tls-authorities",
        theirs.to_str().unwrap(),
    ];
    let (code, told) = command(&fixture, "127.0.0.1", &others);
    assert_eq!(code, Some(5), "{told}");
    assert!(
        told.contains("--tls-authorities FILE says whose certificates are trusted"),
        "{told}"
    );

    let mutual = serve(&authority.files(true), Limits::default());
    let (code, told) = command(&mutual, "127.0.0.1", &named);
    assert_eq!(code, Some(5), "{told}");
    assert!(
        told.contains("--tls-certificate FILE --tls-key FILE"),
        "{told}"
    );
    let (certificate, key) = authority.sign("desk");
    let shown = [
        "--tls-certificate",
        certificate.to_str().unwrap(),
        "--tls-key",
        key.to_str().unwrap(),
    ];
    let (code, told) = command(&mutual, "127.0.0.1", &[&named[..], &shown].concat());
    assert_eq!((code, told.as_str()), (Some(0), ""));

    let plain = Fixture::start_tls(Limits::default(), AckPolicy::Durable, None);
    let (code, told) = command(&plain, "127.0.0.1", &named);
    assert_eq!(code, Some(5), "{told}");
    assert!(told.contains("does not speak TLS"), "{told}");
}
