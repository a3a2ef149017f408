//! A real server process with as many desks as are asked for.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use portcullis_client::{Credentials, SigningKey, keys};
use wire::Role;

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    child: Child,
    keys: Vec<SigningKey>,
    _dir: tempfile::TempDir,
}

impl Server {
    /// Session 1 is the honest desk's; there are `others` more. `descriptors` bounds the process.
    pub(crate) fn start(others: u32, descriptors: Option<u32>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let keys: Vec<SigningKey> = (0..=others).map(|_| keys::generate().unwrap()).collect();
        fs::write(dir.path().join("firm.toml"), firm(&keys)).unwrap();
        let serve = [
            "serve",
            "--config",
            "firm.toml",
            "--data",
            "data",
            "--listen",
            "127.0.0.1:0",
        ];
        let mut command = match descriptors {
            None => Command::new(env!("CARGO_BIN_EXE_portcullis")),
            Some(most) => {
                let mut shell = Command::new("sh");
                shell
                    .args(["-c", &format!("ulimit -n {most}; exec \"$0\" \"$@\"")])
                    .arg(env!("CARGO_BIN_EXE_portcullis"));
                shell
            }
        };
        let mut child = command
            .args(serve)
            .current_dir(dir.path())
            .env("PORTCULLIS_LOG", "error")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line.trim().strip_prefix("listening on ").unwrap();
        Self {
            address: address.parse().unwrap(),
            child,
            keys,
            _dir: dir,
        }
    }

    pub(crate) fn credentials(&self, session_id: u32) -> Credentials {
        Credentials {
            session_id,
            role: Role::Desk,
            key: self.keys[usize::try_from(session_id).unwrap() - 1].clone(),
            key_id: 1,
            expected_instance: Some("hostile".to_owned()),
        }
    }

    pub(crate) fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        let told = Command::new("kill").args([signal, &id]).status().unwrap();
        assert!(told.success());
    }

    /// Ends in order.
    pub(crate) fn finish(mut self) {
        self.signal("-TERM");
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// No limit is set, so every order is refused: an answer like any other, and no state grows.
fn firm(keys: &[SigningKey]) -> String {
    let mut text = format!(
        "[firm]\nname = \"Hostile\"\ninstance = \"hostile\"\ntwo_person = false\nbase_currency = \"USD\"\n\
         [capacity]\norders = 4096\nexecutions = 4096\nrows = 256\nsessions = {}\n\
         [journal]\nack = \"memory\"\n\
         [limits_per_session]\nmax_messages_per_second = 3000\n\
         [day]\nopen = \"auto\"\n\
         [[desks]]\nid = 1\nname = \"Desk\"\n\
         [[accounts]]\nid = 1\nname = \"ONE\"\ndesk = 1\n\
         [[accounts]]\nid = 99\nname = \"SUSPENSE\"\ndesk = 1\nsuspense = true\n\
         [[traders]]\nid = 1\nname = \"Trader\"\n\
         [[instruments]]\nid = 1\nsymbol = \"I1\"\nvenue = 1\ncurrency = \"USD\"\n\
         tick = 0.01\nlot = 1\nreference = 100\nmark = 100\n",
        keys.len() + 1
    );
    for (id, key) in (1..).zip(keys) {
        let hex = keys::public_hex(key);
        text += &format!(
            "[[sessions]]\nid = {id}\nname = \"desk{id}\"\npublic_key = \"{hex}\"\nrole = \"desk\"\n\
             topology = \"sidecar\"\naccounts = [1]\ntraders = [1]\n"
        );
    }
    text
}
