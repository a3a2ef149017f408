//! windows

use super::{Done, RiskEngine, Turn};
use wire::{MmpReset, RejectCode};

impl RiskEngine {
    pub(super) fn mmp_reset(&mut self, _turn: &Turn, _m: &MmpReset) -> Done {
        Done::refused(RejectCode::LimitRange, 0)
    }
}
