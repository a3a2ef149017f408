//! The file's process section as the options of gateway and pipeline.

use super::AckArg;
use engine::firm::{Ack, ProcessConfig};
use engine::pipeline::{self, AckPolicy, Wait};
use gateway::pin;
use gateway::server::{Limits, ServerConfig};
use std::net::SocketAddr;

pub(super) fn policy(argument: Option<AckArg>, file: Ack) -> AckPolicy {
    match (argument, file) {
        (Some(AckArg::Durable), _) | (None, Ack::Durable) => AckPolicy::Durable,
        (Some(AckArg::Written), _) | (None, Ack::Written) => AckPolicy::Written,
        (Some(AckArg::Memory), _) | (None, Ack::Memory) => AckPolicy::Memory,
    }
}

pub(super) fn server_config(
    process: &ProcessConfig,
    listen: SocketAddr,
    ack: AckPolicy,
) -> ServerConfig {
    let of = &process.session;
    let bytes = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    let count = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
    let limits = Limits {
        handshake: of.logon_timeout,
        connections: count(of.connections),
        unauthenticated_per_address: count(of.connections_per_address),
        max_msg_per_sec: of.max_messages_per_second,
        backlog_answer_bytes: bytes(of.output_buffer),
        outbound_log_bytes: bytes(of.outbound_window),
        outbound_logs_total: bytes(of.outbound_windows),
        output_total: bytes(of.output_buffers),
        route_max_age: of.route_max_age,
        ..Limits::default()
    };
    ServerConfig {
        limits,
        cancel_on_failure: process.cancel_on_failure,
        ..ServerConfig::new(listen, ack)
    }
}

pub(super) fn pipeline_options(process: &ProcessConfig, ack: AckPolicy) -> pipeline::Options {
    let usual = pipeline::Options::new(ack);
    let of = &process.threads;
    pipeline::Options {
        shape: of.shape.unwrap_or(usual.shape),
        control_slots: of.control_ring.unwrap_or(usual.control_slots),
        orders_slots: of.orders_ring.unwrap_or(usual.orders_slots),
        journal_slots: of.journal_ring.unwrap_or(usual.journal_slots),
        journal_memory: usize::try_from(process.journal_memory).unwrap_or(usize::MAX),
        engine_wait: Wait {
            spins: of.engine_spins.unwrap_or(usual.engine_wait.spins),
            yields: of.engine_yields.unwrap_or(usual.engine_wait.yields),
        },
        on_thread: pin::here,
        ..usual
    }
}
