//! adjust

use super::{Done, RiskEngine, Turn};
use wire::{Adjust, RejectCode};

impl RiskEngine {
    pub(super) fn adjust(&mut self, _turn: &Turn, _m: &Adjust) -> Done {
        Done::refused(RejectCode::LimitRange, 0)
    }
}
