//! `[[positions]]`, `[[locates]]` and `[[cash]]`: what accounts begin with on the firm's first business
//! date. Later dates are loaded by ops: the journal knows better than a file what was traded since.

use super::limits::Names;
use super::section::{Section, Value};
use crate::command::Command;
use wire::{Amount, CashLoad, LocateLoad, LocateWhat, PositionLoad, Qty};

/// Opening data, without its date.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Opening {
    positions: Vec<PositionLoad>,
    locates: Vec<LocateLoad>,
    cash: Vec<CashLoad>,
}

impl Opening {
    /// The loads for a date. The batch of the positions is named by the date and completed by the row
    /// without a position that opens a day.
    pub(super) fn commands(&self, business_date: u32) -> Vec<Command> {
        let positions = self.positions.iter().map(|row| PositionLoad {
            batch_id: business_date.into(),
            business_date,
            ..*row
        });
        let locates = self.locates.iter().map(|row| LocateLoad {
            business_date,
            ..*row
        });
        let cash = self.cash.iter().map(|row| CashLoad {
            business_date,
            ..*row
        });
        positions
            .map(Command::from)
            .chain(locates.map(Command::from))
            .chain(cash.map(Command::from))
            .collect()
    }
}

pub(super) fn read(root: &Section<'_>, names: &Names) -> Opening {
    Opening {
        positions: positions(root, names),
        locates: locates(root, names),
        cash: cash(root, names),
    }
}

/// Account and instrument of a row, which no other row of the section may have.
fn place(section: &Section<'_>, names: &Names, others: &mut Vec<(u32, u32)>) -> Option<(u32, u32)> {
    let account = section.required("account");
    let instrument = section.required("instrument");
    let account_id = account.and_then(|v| names.account(&v));
    let place = (account_id?, instrument.and_then(|v| names.instrument(&v))?);
    unique(account?, place, others)?;
    Some(place)
}

fn unique<T: PartialEq>(value: Value<'_>, place: T, others: &mut Vec<T>) -> Option<()> {
    if others.contains(&place) {
        value.wrong("has a row for this already", "remove one of the two");
        return None;
    }
    others.push(place);
    Some(())
}

fn positions(root: &Section<'_>, names: &Names) -> Vec<PositionLoad> {
    let (mut out, mut places) = (Vec::new(), Vec::new());
    for section in root.tables("positions", "[[positions]]") {
        let place = place(&section, names, &mut places);
        let qty = section.required("qty").and_then(|v| v.decimal8());
        section.finish();
        if let (Some((account, instrument_id)), Some(qty)) = (place, qty) {
            out.push(PositionLoad {
                qty: Qty(qty),
                account,
                instrument_id,
                last: wire::Flag::No,
                ..PositionLoad::default()
            });
        }
    }
    out
}

fn locates(root: &Section<'_>, names: &Names) -> Vec<LocateLoad> {
    let (mut out, mut places) = (Vec::new(), Vec::new());
    for section in root.tables("locates", "[[locates]]") {
        let place = place(&section, names, &mut places);
        let given = [
            (LocateWhat::Settled, section.optional("settled")),
            (LocateWhat::Locates, section.optional("locates")),
        ];
        if given.iter().all(|(_, value)| value.is_none()) {
            section.mistake(
                "loads nothing",
                "add `settled` (what plain sells may use) or `locates` (what short sells use up)",
            );
        }
        section.finish();
        for (what, value) in given {
            let Some(value) = value else { continue };
            let qty = value.decimal8();
            if qty.is_some_and(|qty| qty < 0) {
                value.wrong("must be 0 or more", "");
            }
            if let (Some((account, instrument_id)), Some(qty)) = (place, qty) {
                out.push(LocateLoad {
                    qty: Qty(qty),
                    account,
                    instrument_id,
                    what,
                    ..LocateLoad::default()
                });
            }
        }
    }
    out
}

fn cash(root: &Section<'_>, names: &Names) -> Vec<CashLoad> {
    let (mut out, mut places) = (Vec::new(), Vec::new());
    for section in root.tables("cash", "[[cash]]") {
        let account_value = section.required("account");
        let account = account_value.and_then(|v| names.account(&v));
        let currency = section
            .required("currency")
            .and_then(|v| names.currency(&v, v.string()?));
        let amount = section.required("amount").and_then(|v| v.decimal4());
        section.finish();
        let (Some(value), Some(account), Some(currency)) = (account_value, account, currency)
        else {
            continue;
        };
        let is_new = unique(value, (account, currency), &mut places).is_some();
        if let (Some(amount), true) = (amount, is_new) {
            out.push(CashLoad {
                amount: Amount(amount),
                account,
                currency,
                ..CashLoad::default()
            });
        }
    }
    out
}
