//! The text of a scenario: blocks of commands and what is expected of them; decimals and durations.
//!
//! ```text
//! # A comment.
//! a command
//! another command
//! ----
//! what the engine says to the first
//! what it says to the second
//! ```
//! A blank line ends a block. Nothing here knows the engine.

/// Commands with the output expected of them, and what stands before them in the file.
#[derive(Debug, Clone)]
pub(super) struct Block {
    /// Comments and blank lines before the commands, as they stand.
    pub(super) lead: String,
    /// Line of the first command, from 1.
    pub(super) line: usize,
    /// Command lines as they stand, comments between them included.
    pub(super) commands: Vec<String>,
    /// Expected output, line by line.
    pub(super) expected: Vec<String>,
}

/// What follows the last block.
#[derive(Debug, Clone)]
pub(super) struct Scenario {
    /// Blocks in order.
    pub(super) blocks: Vec<Block>,
    /// Comments after the last block.
    pub(super) tail: String,
}

/// Takes a file apart.
pub(super) fn parse(text: &str) -> Result<Scenario, String> {
    let mut blocks = Vec::new();
    let mut lead = String::new();
    let mut lines = text.lines().enumerate().peekable();
    while let Some((at, line)) = lines.next() {
        if line.trim().is_empty() || line.starts_with('#') {
            lead.push_str(line);
            lead.push('\n');
            continue;
        }
        let (mut commands, mut expected) = (vec![line.to_owned()], Vec::new());
        loop {
            match lines.next() {
                Some((_, "----")) => break,
                Some((_, line)) if !line.trim().is_empty() => commands.push(line.to_owned()),
                _ => return Err(format!("line {}: a block needs its ----", at + 1)),
            }
        }
        while let Some((_, line)) = lines.next_if(|(_, line)| !line.trim().is_empty()) {
            expected.push(line.to_owned());
        }
        blocks.push(Block {
            lead: std::mem::take(&mut lead),
            line: at + 1,
            commands,
            expected,
        });
    }
    Ok(Scenario { blocks, tail: lead })
}

/// Puts a file together again, with `outputs` as the expectations of its blocks.
pub(super) fn rewrite(scenario: &Scenario, outputs: &[Vec<String>]) -> String {
    let mut text = String::new();
    for (block, output) in scenario.blocks.iter().zip(outputs) {
        text.push_str(&block.lead);
        for line in block.commands.iter().map(String::as_str).chain(["----"]) {
            text.push_str(line);
            text.push('\n');
        }
        for line in output {
            text.push_str(line);
            text.push('\n');
        }
    }
    text.push_str(&scenario.tail);
    text
}

/// The words of one command, taken one by one or by name.
#[derive(Debug, Clone)]
pub(super) struct Words(Vec<String>);

impl Words {
    /// Splits at spaces; `"quoted words"` stay together.
    pub(super) fn of(line: &str) -> Self {
        let mut words = Vec::new();
        for (at, part) in line.split('"').enumerate() {
            if at % 2 == 1 {
                words.push(part.to_owned());
            } else {
                words.extend(part.split_whitespace().map(str::to_owned));
            }
        }
        Self(words)
    }

    /// Takes the next word.
    pub(super) fn next(&mut self, what: &str) -> Result<String, String> {
        if self.0.is_empty() {
            return Err(format!("{what} is missing"));
        }
        Ok(self.0.remove(0))
    }

    /// The next word, left where it is.
    pub(super) fn peek(&self) -> Option<&str> {
        self.0.first().map(String::as_str)
    }

    /// Takes `word` out, wherever it stands.
    pub(super) fn flag(&mut self, word: &str) -> bool {
        let at = self.0.iter().position(|w| w == word);
        at.map(|at| self.0.remove(at)).is_some()
    }

    /// Takes `word` and the one behind it out, wherever they stand.
    pub(super) fn named(&mut self, word: &str) -> Result<Option<String>, String> {
        let Some(at) = self.0.iter().position(|w| w == word) else {
            return Ok(None);
        };
        if at + 1 >= self.0.len() {
            return Err(format!("{word} needs a value"));
        }
        self.0.remove(at);
        Ok(Some(self.0.remove(at)))
    }

    /// [`Words::named`] as a whole number.
    pub(super) fn number<T: std::str::FromStr>(&mut self, word: &str) -> Result<Option<T>, String> {
        self.named(word)?.map(|text| whole(&text)).transpose()
    }

    /// Nothing may be left.
    pub(super) fn finish(self) -> Result<(), String> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(format!("I don't understand: {}", self.0.join(" ")))
        }
    }
}

/// A whole number.
pub(super) fn whole<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse()
        .map_err(|_| format!("{text} is not a whole number that fits"))
}

/// A decimal as an integer of 10⁻ᵖˡᵃᶜᵉˢ, exactly.
pub(super) fn decimal(text: &str, places: u32) -> Result<i64, String> {
    let wrong = || format!("{text} is not a decimal of at most {places} places that fits");
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (integer, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let width = usize::try_from(places).map_err(|_| wrong())?;
    if fraction.len() > width || integer.is_empty() {
        return Err(wrong());
    }
    let value: i64 = format!("{integer}{fraction:0<width$}")
        .parse()
        .map_err(|_| wrong())?;
    Ok(if negative { -value } else { value })
}

/// An integer of 10⁻ᵖˡᵃᶜᵉˢ as a decimal without trailing zeros.
pub(super) fn in_decimals(value: i128, places: u32) -> String {
    let unit = 10_u128.pow(places);
    let magnitude = value.unsigned_abs();
    let width = usize::try_from(places).unwrap_or(0);
    let fraction = format!("{:0width$}", magnitude % unit);
    let fraction = fraction.trim_end_matches('0');
    let dot = if fraction.is_empty() { "" } else { "." };
    let sign = if value < 0 { "-" } else { "" };
    format!("{sign}{}{dot}{fraction}", magnitude / unit)
}

/// A duration such as `250ms`, `5s`, `1m`, `2h` in nanoseconds.
pub(super) fn duration(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(char::is_alphabetic);
    let unit: u64 = match &text[digits.len()..] {
        "ns" => 1,
        "us" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        other => return Err(format!("{other:?} is not a unit of time")),
    };
    Ok(whole::<u64>(digits)? * unit)
}

/// Nanoseconds as a duration in the largest unit that divides them.
pub(super) fn in_duration(ns: u64) -> String {
    for (unit, name) in [
        (60_000_000_000, "m"),
        (1_000_000_000, "s"),
        (1_000_000, "ms"),
        (1_000, "us"),
    ] {
        if ns > 0 && ns % unit == 0 {
            return format!("{}{name}", ns / unit);
        }
    }
    format!("{ns}ns")
}
