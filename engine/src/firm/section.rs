//! One table of the file, read key by key. Every key asked for is thereby known; what is left over is
//! an unknown key. Mistakes are noted and reading goes on, so that one run shows them all.

use super::mistake::Notes;
use super::value::{parse_decimal, parse_duration, parse_size};
use crate::suggest::did_you_mean;
use std::cell::RefCell;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use wire::Text;
use wire::layout::EnumDef;

/// A table with its name, for example `[[accounts]]`.
pub(super) struct Section<'a> {
    notes: &'a Notes<'a>,
    name: &'static str,
    table: Option<&'a DeTable<'a>>,
    span: Range<usize>,
    asked: RefCell<Vec<&'static str>>,
}

/// The value of one key.
#[derive(Clone, Copy)]
pub(super) struct Value<'a> {
    notes: &'a Notes<'a>,
    section: &'static str,
    key: &'static str,
    value: &'a Spanned<DeValue<'a>>,
}

impl<'a> Section<'a> {
    /// The root of the file.
    pub(super) fn root(notes: &'a Notes<'a>, table: &'a DeTable<'a>) -> Self {
        Self::new(notes, "the file", Some(table), 0..0)
    }

    fn new(
        notes: &'a Notes<'a>,
        name: &'static str,
        table: Option<&'a DeTable<'a>>,
        span: Range<usize>,
    ) -> Self {
        Self {
            notes,
            name,
            table,
            span,
            asked: RefCell::default(),
        }
    }

    fn find(&self, key: &'static str) -> Option<Value<'a>> {
        self.asked.borrow_mut().push(key);
        let (_, value) = self.table?.iter().find(|(name, _)| name.get_ref() == key)?;
        Some(Value {
            notes: self.notes,
            section: self.name,
            key,
            value,
        })
    }

    /// The table `key`; an empty one if the file does not have it.
    pub(super) fn table(&self, key: &'static str, name: &'static str) -> Self {
        let found = self.find(key);
        let table = found.and_then(|value| {
            let table = value.value.get_ref().as_table();
            if table.is_none() {
                value.wrong("must be a table", format!("write `[{key}]` above its keys"));
            }
            table
        });
        let span = found.map_or(0..0, |value| value.value.span());
        Self::new(self.notes, name, table, span)
    }

    /// The tables `[[key]]` in their order.
    pub(super) fn tables(&self, key: &'static str, name: &'static str) -> Vec<Self> {
        let Some(found) = self.find(key) else {
            return Vec::new();
        };
        let DeValue::Array(rows) = found.value.get_ref() else {
            found.wrong(
                "must be a list of tables",
                format!("write `[[{key}]]` above each"),
            );
            return Vec::new();
        };
        let mut sections = Vec::new();
        for row in rows {
            if let DeValue::Table(table) = row.get_ref() {
                sections.push(Self::new(self.notes, name, Some(table), row.span()));
            } else {
                self.notes.add(
                    row.span(),
                    name,
                    "must be a table",
                    format!("write `[[{key}]]` above each"),
                );
            }
        }
        sections
    }

    pub(super) fn optional(&self, key: &'static str) -> Option<Value<'a>> {
        self.find(key)
    }

    pub(super) fn required(&self, key: &'static str) -> Option<Value<'a>> {
        let found = self.find(key);
        if found.is_none() {
            self.mistake(
                format!("`{key}` is missing"),
                format!("add `{key} = …` to {}", self.name),
            );
        }
        found
    }

    /// A mistake about the section as a whole.
    pub(super) fn mistake(&self, what: impl Into<String>, help: impl Into<String>) {
        self.notes.add(self.span.clone(), self.name, what, help);
    }

    /// Whether the file has this section.
    pub(super) fn is_given(&self) -> bool {
        self.table.is_some()
    }

    /// Notes every key that nobody asked for.
    pub(super) fn finish(&self) {
        let Some(table) = self.table else { return };
        let asked = self.asked.borrow();
        for (key, _) in table {
            let name: &str = key.get_ref();
            if !asked.contains(&name) {
                let hint = did_you_mean(name, asked.iter().copied());
                self.notes.add(
                    key.span(),
                    format!("{} {name}", self.name),
                    "is not a key that Portcullis knows",
                    hint.trim_start_matches("; "),
                );
            }
        }
    }
}

impl<'a> Value<'a> {
    /// Notes a mistake at this value.
    pub(super) fn wrong(&self, what: impl Into<String>, help: impl Into<String>) {
        let key = format!("{} {}", self.section, self.key);
        self.notes.add(self.value.span(), key, what, help);
    }

    fn note<T>(&self, result: Result<T, String>) -> Option<T> {
        result.map_err(|what| self.wrong(what, "")).ok()
    }

    /// A string.
    pub(super) fn string(&self) -> Option<&'a str> {
        let text = self.value.get_ref().as_str();
        if text.is_none() {
            let is = self.value.get_ref().type_str();
            self.wrong(
                format!("must be a string, and is of type {is}"),
                "put it in quotes",
            );
        }
        text
    }

    /// Printable ASCII that fits a field of `N` characters.
    pub(super) fn text<const N: usize>(&self) -> Option<Text<N>> {
        let text = self.string()?;
        if text.is_empty() {
            self.wrong("is empty", "");
        } else if !text.bytes().all(|b| (b' '..=b'~').contains(&b)) {
            self.wrong("must be printable ASCII", "");
        } else if text.len() > N {
            self.wrong(
                format!("has {} characters", text.len()),
                format!("at most {N} fit"),
            );
        } else {
            return Some(Text::new(text));
        }
        None
    }

    /// A number or a string, as it stands in the file, so that decimals stay exact.
    fn literal(&self) -> Option<&'a str> {
        match self.value.get_ref() {
            DeValue::String(text) => Some(text),
            DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str()),
            DeValue::Float(number) => Some(number.as_str()),
            DeValue::Integer(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => {
                let is = self.value.get_ref().type_str();
                self.wrong(format!("must be a number, and is of type {is}"), "");
                None
            }
        }
    }

    /// An integer from `min` to `max`.
    pub(super) fn uint(&self, min: u64, max: u64) -> Option<u64> {
        let literal = self.literal()?;
        match literal.replace('_', "").parse() {
            Ok(number) if (min..=max).contains(&number) => Some(number),
            _ => {
                self.wrong(
                    format!("`{literal}` is not an integer from {min} to {max}"),
                    "",
                );
                None
            }
        }
    }

    /// An id of 32 bits; 0 and the null value are kept free.
    pub(super) fn id(&self) -> Option<u32> {
        u32::try_from(self.uint(1, u64::from(u32::MAX) - 1)?).ok()
    }

    /// An id of 16 bits; 0 and the null value are kept free.
    pub(super) fn small_id(&self) -> Option<u16> {
        u16::try_from(self.uint(1, u64::from(u16::MAX) - 1)?).ok()
    }

    /// A decimal in units of 10⁻⁸.
    pub(super) fn decimal8(&self) -> Option<i64> {
        self.note(parse_decimal(self.literal()?, 8))
    }

    /// A decimal in units of 10⁻⁴.
    pub(super) fn decimal4(&self) -> Option<i64> {
        self.note(parse_decimal(self.literal()?, 4))
    }

    /// A decimal above 0 in units of 10⁻⁸.
    pub(super) fn positive8(&self) -> Option<i64> {
        let value = self.decimal8()?;
        if value <= 0 {
            self.wrong("must be above 0", "");
            return None;
        }
        Some(value)
    }

    /// A number or a text, whose meaning another key decides.
    pub(super) fn number_or_text(&self) -> Option<&'a str> {
        self.literal()
    }

    pub(super) fn duration(&self) -> Option<u64> {
        self.note(parse_duration(self.string()?))
    }

    pub(super) fn size(&self) -> Option<u64> {
        self.note(parse_size(self.literal()?))
    }

    pub(super) fn boolean(&self) -> Option<bool> {
        let value = self.value.get_ref().as_bool();
        if value.is_none() {
            self.wrong("must be true or false, without quotes", "");
        }
        value
    }

    /// The name of a value of `def`; capitals don't matter.
    pub(super) fn choice(&self, def: &'static EnumDef) -> Option<u8> {
        let text = self.string()?;
        let found = def
            .values
            .iter()
            .find(|(name, ..)| name.eq_ignore_ascii_case(text));
        if found.is_none() {
            let names = def.values.iter().map(|(name, ..)| *name);
            let hint = did_you_mean(text, names);
            let what = format!("`{text}` is not a {}", def.name);
            self.wrong(what, hint.trim_start_matches("; "));
        }
        found.map(|(_, value, _)| *value)
    }

    /// The items of a list.
    pub(super) fn items(&self) -> Vec<Value<'a>> {
        let DeValue::Array(items) = self.value.get_ref() else {
            self.wrong("must be a list", "put it in brackets: [1, 2]");
            return Vec::new();
        };
        items.iter().map(|value| Value { value, ..*self }).collect()
    }
}
