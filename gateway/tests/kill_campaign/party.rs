//! What a party to the campaign knows, so that its process may die at any instruction. It writes each
//! request down before it sends it, and each reply before it acts on it; a new process takes both files
//! up where they end.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use wire::codec::{self, MAX_FRAME};
use wire::{Reply, Request, Role};

/// The requests, each a frame padded to this many bytes.
pub(crate) const REQUEST_BYTES: u64 = 128;

/// Who trades: what follows for it from what it asked and what it heard, and nothing else.
pub(crate) trait Party: Default {
    /// Of its session, its key and its files.
    const NAME: &str;
    /// Its session.
    const SESSION: u32;
    /// Its session's role.
    const ROLE: Role;

    /// It has written this request down.
    fn ask(&mut self, request: &Request);
    /// It has written this reply down; what it does next because of it.
    fn hear(&mut self, reply: &Reply) -> Vec<Request>;
    /// What one that died heard and did not act on.
    fn left_undone(&self) -> Vec<Request>;
    /// What it asks for unasked.
    fn of_its_own(&self) -> Option<Request>;
    /// Requests that an answer is still due for.
    fn unanswered(&self) -> usize;
}

/// Both files, and what follows from them.
pub(crate) struct Memory<P> {
    pub(crate) requests: Vec<Request>,
    pub(crate) heard: Vec<Reply>,
    pub(crate) party: P,
    requests_file: File,
    heard_file: File,
}

/// The file of a party's requests.
pub(crate) fn requests_file(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!("{name}.requests"))
}

impl<P: Party> Memory<P> {
    /// Reads what a process before has written; what it was writing when it died is cut.
    pub(crate) fn open(dir: &Path) -> Self {
        let (asked, heard) = (
            requests_file(dir, P::NAME),
            dir.join(format!("{}.heard", P::NAME)),
        );
        let record = usize::try_from(REQUEST_BYTES).unwrap();
        let requests: Vec<Request> = fs::read(&asked)
            .unwrap_or_default()
            .chunks_exact(record)
            .map(|bytes| {
                let frame = codec::split_frame(bytes).unwrap().unwrap();
                let decoded = Request::decode_block(frame.template_id, frame.block);
                decoded.unwrap().unwrap()
            })
            .collect();
        let bytes = fs::read(&heard).unwrap_or_default();
        let (mut replies, mut rest) = (Vec::new(), bytes.as_slice());
        while let Some(frame) = codec::split_frame(rest).unwrap() {
            let decoded = Reply::decode_block(frame.template_id, frame.block);
            replies.push(decoded.unwrap().unwrap());
            rest = &rest[frame.len..];
        }
        let open = |path: &Path, length: usize| {
            let mut options = OpenOptions::new();
            let file = options.create(true).append(true).open(path).unwrap();
            file.set_len(u64::try_from(length).unwrap()).unwrap();
            file
        };
        let mut memory = Self {
            requests_file: open(&asked, requests.len() * record),
            heard_file: open(&heard, bytes.len() - rest.len()),
            requests,
            heard: replies,
            party: P::default(),
        };
        for request in &memory.requests {
            memory.party.ask(request);
        }
        for reply in &memory.heard {
            memory.party.hear(reply);
        }
        memory
    }

    /// Number of the next reply.
    pub(crate) fn next_expected(&self) -> u64 {
        self.heard.last().map_or(1, |last| last.seq_no() + 1)
    }

    pub(crate) fn ask(&mut self, request: Request) {
        let mut bytes = [0; 128];
        codec::write_frame(request.layout().template_id, &mut bytes, |block| {
            request.encode_block(block)
        });
        self.requests_file.write_all(&bytes).unwrap();
        self.party.ask(&request);
        self.requests.push(request);
    }

    pub(crate) fn hear(&mut self, reply: Reply) {
        let mut bytes = [0; MAX_FRAME];
        let length = codec::write_frame(reply.layout().template_id, &mut bytes, |block| {
            reply.encode_block(block)
        });
        self.heard_file.write_all(&bytes[..length]).unwrap();
        for request in self.party.hear(&reply) {
            self.ask(request);
        }
        self.heard.push(reply);
    }

    /// Does what a process before has heard and died before it acted on.
    pub(crate) fn catch_up(&mut self) {
        for request in self.party.left_undone() {
            self.ask(request);
        }
    }
}
