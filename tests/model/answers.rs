//! What the engine answered and sent, held against what the model expects of one command.

use super::checks::Refusal;
use super::lifecycle::Expect;
use super::pair::{Difference, same};
use super::state::Alert;
use engine::command::{Command, Sequenced};
use engine::decision::{Decision, Outcome};
use wire::{RejectCode, Reply, RiskEventKind, Scope};

/// Alerts that the model tells; of others the documents say too little.
const ALERTS: &[RiskEventKind] = &[
    RiskEventKind::Warning,
    RiskEventKind::Breach,
    RiskEventKind::StateChanged,
    RiskEventKind::LateFill,
    RiskEventKind::Overfill,
    RiskEventKind::UnknownOrderFill,
    RiskEventKind::UnknownInstrumentFill,
    RiskEventKind::ExecutionMismatch,
    RiskEventKind::OrderUnresolved,
    RiskEventKind::Reconciled,
    RiskEventKind::Restricted,
    RiskEventKind::Capacity,
    RiskEventKind::TemporaryEnded,
    RiskEventKind::RepeatedExecution,
    RiskEventKind::DailyLoss,
    RiskEventKind::MarketMakerProtection,
    RiskEventKind::Busted,
    RiskEventKind::Adjusted,
    RiskEventKind::Proposed,
    RiskEventKind::Approved,
    RiskEventKind::Withdrawn,
    RiskEventKind::ProposalLapsed,
    RiskEventKind::TwoPerson,
];

/// The answers to one message, which are never left to a step.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "only a few of the messages are looked for"
)]
pub(crate) fn compare_answers(
    input: &Sequenced,
    expect: &Expect,
    decision: &Decision,
    sent: &[(u32, Reply)],
) -> Result<(), Difference> {
    if expect.outcomes == [Outcome::Dropped] {
        return same("replies to a dropped message", &sent.len(), &0);
    }
    let mine = || {
        let to_me = sent.iter().filter(|(to, _)| *to == input.session_id);
        to_me.map(|(_, reply)| reply)
    };
    let gaps: Vec<(u64, u64)> = mine()
        .filter_map(|reply| match reply {
            Reply::NotApplied(m) => Some((m.from_seq_no, m.count)),
            _ => None,
        })
        .collect();
    let missing = expect.not_applied.into_iter().collect();
    same("NotApplied", &gaps, &missing)?;
    let (cl_ord_id, is_order) = match &input.command {
        Command::NewOrder(m) => (m.cl_ord_id, true),
        Command::ReplaceOrder(m) => (m.cl_ord_id, true),
        Command::CancelOrder(m) => (m.cl_ord_id, true),
        _ => (0, false),
    };
    if is_order {
        let answers: Vec<u16> = mine()
            .filter_map(|reply| match reply {
                Reply::OrderAccepted(m) if m.cl_ord_id == cl_ord_id => Some(0),
                Reply::OrderRejected(m) if m.cl_ord_id == cl_ord_id => Some(m.code),
                Reply::BusinessReject(m) => Some(m.code),
                _ => None,
            })
            .collect();
        same("answers to an order", &answers, &vec![decision.code])?;
    }
    Ok(())
}

/// What may be told by a later step: progress of mass cancels (session, id, requested, outstanding) and alerts.
#[derive(Debug, Default)]
pub(crate) struct Late {
    reports: Vec<(u32, u64, usize, usize)>,
    alerts: Vec<Alert>,
    expected_reports: Vec<(u32, u64, usize, usize)>,
    expected_alerts: Vec<Alert>,
}

impl Late {
    /// What the model says must be told.
    pub(crate) fn expect(&mut self, expect: &Expect, risk_listens: bool) {
        self.expected_reports.extend(&expect.said.reports);
        if !risk_listens {
            return;
        }
        self.expected_alerts.extend(&expect.said.alerts);
    }

    /// What the engine has told.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "only a few of the messages are looked for"
    )]
    pub(crate) fn hear(&mut self, sent: &[(u32, Reply)]) {
        let number = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
        for (to, reply) in sent {
            match reply {
                Reply::MassCancelReport(m) => {
                    let (requested, outstanding) = (number(m.requested), number(m.outstanding));
                    self.reports
                        .push((*to, m.cl_ord_id, requested, outstanding));
                }
                Reply::RiskEvent(m) if *to == super::genesis::RISK && ALERTS.contains(&m.event) => {
                    self.alerts.push(alert_of(m));
                }
                _ => {}
            }
        }
    }

    /// Everything that must be told was told, and nothing else.
    pub(crate) fn compare(mut self) -> Result<(), Difference> {
        self.reports.sort_unstable();
        self.expected_reports.sort_unstable();
        same(
            "progress of mass cancels",
            &self.reports,
            &self.expected_reports,
        )?;
        self.alerts.sort_unstable();
        self.expected_alerts.sort_unstable();
        let only = |these: &[Alert], those: &[Alert]| {
            let only = these.iter().find(|alert| !those.contains(alert));
            only.map_or("-", |alert| alert.event.name())
        };
        let what = format!(
            "alerts: engine {}, model {}",
            only(&self.alerts, &self.expected_alerts),
            only(&self.expected_alerts, &self.alerts)
        );
        same(&what, &self.alerts, &self.expected_alerts)
    }
}

fn alert_of(m: &wire::RiskEvent) -> Alert {
    let tells_use = matches!(m.event, RiskEventKind::Warning | RiskEventKind::Breach);
    let key = super::limits::LimitKey {
        scope: m.scope,
        scope_id: m.scope_id,
        kind: m.limit_kind,
        selector: m.selector,
        selector_id: m.selector_id,
    };
    Alert {
        event: m.event,
        about: tells_use.then_some((key, m.ref_id, m.old_value, m.new_value)),
    }
}

pub(crate) fn compare_decision(expect: &Expect, decision: &Decision) -> Result<(), Difference> {
    if !expect.outcomes.contains(&decision.outcome) {
        let code = |code: u16| RejectCode::from_number(code).map_or("-", RejectCode::name);
        let refusal = expect.refusal.as_ref();
        let what = format!(
            "outcome: engine {} {}, model {} {}",
            decision.outcome.name(),
            code(decision.code),
            expect.outcomes.first().map_or("?", |o| o.name()),
            refusal.map_or("", |r| r.code.name()),
        );
        let model = format!("{:?} {refusal:?} {:?}", expect.outcomes, expect.code);
        return Err((what, format!("{decision:?}"), model));
    }
    if let Some(code) = expect.code {
        same("code of a refusal", &decision.code, &code.number())?;
    }
    if let Some(refusal) = &expect.refusal {
        compare_refusal(refusal, decision)?;
    }
    if let Some(order_id) = expect.order_id {
        same("order id", &decision.order_id, &order_id)?;
    }
    if let Some(version) = expect.version {
        same("version", &decision.version, &version)?;
    }
    if let Some(plan) = &expect.plan {
        let engine = (
            decision.util_bps,
            decision.util_limit_kind,
            decision.util_scope,
        );
        let none = (0, wire::LimitKind::NULL, Scope::NULL);
        same("utilisation", &engine, &plan.util.unwrap_or(none))?;
    }
    if let Some(shadow) = &expect.shadow {
        let engine = (
            decision.shadow_code,
            decision.shadow_limit_kind,
            decision.shadow_scope,
            decision.shadow_scope_id,
        );
        let model =
            shadow
                .as_ref()
                .map_or((0, wire::LimitKind::NULL, Scope::NULL, u32::MAX), |r| {
                    let kind = r.kind.unwrap_or(wire::LimitKind::NULL);
                    let at = r.at.unwrap_or((Scope::NULL, u32::MAX));
                    (r.code.number(), kind, at.0, at.1)
                });
        same("shadow", &engine, &model)?;
    }
    Ok(())
}

fn compare_refusal(refusal: &Refusal, decision: &Decision) -> Result<(), Difference> {
    if decision.code != refusal.code.number() {
        let engine = RejectCode::from_number(decision.code).map_or("?", RejectCode::name);
        return Err((
            format!("code: engine {engine}, model {}", refusal.code.name()),
            format!("{decision:?}"),
            format!("{refusal:?}"),
        ));
    }
    let name = refusal.code.name();
    if let Some(kind) = refusal.kind {
        same(&format!("kind of {name}"), &decision.limit_kind, &kind)?;
    }
    if let Some(at) = refusal.at {
        let engine = (decision.scope, decision.scope_id);
        same(&format!("scope of {name}"), &engine, &at)?;
    }
    let nowhere = matches!(
        refusal.code,
        RejectCode::ReferenceMissing
            | RejectCode::FxMissing
            | RejectCode::FxStale
            | RejectCode::LimitNotSet
    );
    if nowhere {
        same(&format!("scope of {name}"), &decision.scope, &Scope::NULL)?;
    }
    if let Some(limit) = refusal.limit {
        same(&format!("limit of {name}"), &decision.limit, &limit)?;
    }
    if let Some(observed) = refusal.observed {
        let what = format!("observed of {name}");
        same(&what, &decision.observed, &observed)?;
    }
    if let Some(version) = refusal.version {
        same(&format!("version of {name}"), &decision.version, &version)?;
    }
    Ok(())
}
