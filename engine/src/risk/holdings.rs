//! holdings

use super::{Done, RiskEngine};
use wire::{CashLoad, LocateLoad, RejectCode};

impl RiskEngine {
    pub(super) fn locate_load(&mut self, _m: &LocateLoad) -> Done {
        Done::refused(RejectCode::LimitRange, 0)
    }

    pub(super) fn cash_load(&mut self, _m: &CashLoad) -> Done {
        Done::refused(RejectCode::LimitRange, 0)
    }
}
