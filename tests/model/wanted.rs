//! What a campaign must reach, and how often: every refusal, every rule, each side of each boundary.

use std::collections::BTreeMap;
use wire::RejectCode;

/// Least number of hits of each.
pub(crate) const HITS_MIN: u64 = 100;

/// The refusals that the model decides.
const CODES: &[RejectCode] = &[
    RejectCode::RoleDenied,
    RejectCode::UnsupportedFlag,
    RejectCode::DuplicateClOrdId,
    RejectCode::UnknownOrder,
    RejectCode::UnknownInstrument,
    RejectCode::UnknownAccount,
    RejectCode::TooLate,
    RejectCode::BadQty,
    RejectCode::BadPrice,
    RejectCode::Busy,
    RejectCode::VenueDown,
    RejectCode::NotReady,
    RejectCode::NotEntitled,
    RejectCode::UnsupportedOrderType,
    RejectCode::NotPermitted,
    RejectCode::CapacityExceeded,
    RejectCode::Halted,
    RejectCode::OrderRate,
    RejectCode::DuplicateOrder,
    RejectCode::ReferenceMissing,
    RejectCode::ReferenceStale,
    RejectCode::FxMissing,
    RejectCode::FxStale,
    RejectCode::PriceCollar,
    RejectCode::MaxOrderQty,
    RejectCode::ValueOverflow,
    RejectCode::MaxOrderNotional,
    RejectCode::MaxOrderVsAdv,
    RejectCode::MaxOpenOrders,
    RejectCode::ShortSale,
    RejectCode::MaxLong,
    RejectCode::MaxShort,
    RejectCode::ReduceOnly,
    RejectCode::Restricted,
    RejectCode::GrossNotional,
    RejectCode::NetLong,
    RejectCode::NetShort,
    RejectCode::Turnover,
    RejectCode::BuyingPower,
    RejectCode::SelfMatch,
    RejectCode::MarketMakerProtection,
    RejectCode::LimitNotSet,
    RejectCode::VersionConflict,
];

/// What has a boundary with a just below, an at and a just past.
const BOUNDARIES: &[&str] = &[
    "MaxOrderQty",
    "MaxOrderNotional",
    "PriceCollar",
    "ReferenceMaxAge",
    "OrderRate",
    "DuplicateOrder",
    "RepeatedExecution",
    "MaxOpenOrders",
    "MaxLong",
    "MaxShort",
    "GrossNotional",
    "NetLong",
    "NetShort",
    "DailyBuyTurnover",
    "DailySellTurnover",
    "DailyTurnover",
    "DailyLoss",
    "MaxOrderVsAdv",
    "MarketMakerProtection",
    "BuyingPower",
    "Sell sale",
    "SellShort sale",
    "window of DuplicateOrder",
    "window of RepeatedExecution",
    "window of MarketMakerProtection",
];

/// What becomes of proposals (section 5).
const APPROVALS: &[&str] = &[
    "code 303 NeedsApproval",
    "S5 proposed",
    "S5 approved",
    "S5 approved by the same person",
    "S5 not of the role",
    "S5 no such proposal any more",
    "S5 withdrawn",
    "S5 overtaken",
    "S5 a proposal lapses",
    "S5 a proposal of what can't be done",
    "S5 a proposal that can't wait",
    "S5 an approval without a reason",
    "S5 too many proposals",
    "S5 two-person approval switched",
];

/// Reports of one execution that overtake each other (R16).
const OVERTAKING: &[&str] = &[
    "R16 a fill that was busted before",
    "R16 a fill that another desk had busted",
    "R16 correction before its fill",
    "R16 correction that was taken back before",
];

/// Every name that a campaign must count, with the hits it has.
pub(crate) fn wanted(hits: &BTreeMap<String, u64>) -> Vec<(String, u64)> {
    let mut out = Vec::new();
    for code in CODES {
        let name = format!("code {} {}", code.number(), code.name());
        out.push((name.clone(), hits.get(&name).copied().unwrap_or(0)));
    }
    // R19 says that multi-leg orders are absent: nothing can hit it.
    for rule in (1..=35).filter(|rule| *rule != 19) {
        let prefix = format!("R{rule} ");
        let of_rule = hits.iter().filter(|(name, _)| name.starts_with(&prefix));
        out.push((format!("R{rule}"), of_rule.map(|(_, n)| n).sum()));
    }
    for name in APPROVALS.iter().chain(OVERTAKING) {
        out.push(((*name).to_owned(), hits.get(*name).copied().unwrap_or(0)));
    }
    for boundary in BOUNDARIES {
        for side in ["below", "at", "past"] {
            let name = format!("edge {boundary}: {side}");
            out.push((name.clone(), hits.get(&name).copied().unwrap_or(0)));
        }
    }
    out
}
