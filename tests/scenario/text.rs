//! The text of a scenario: commands and what is expected of each; decimals and durations.
//!
//! ```text
//! # A comment.
//! a command        => what the engine says
//! another command  => what it says to that
//!
//! show something
//! ----
//! an answer of several lines
//! up to a blank line
//! ```
//! Nothing here knows the engine.

/// A command with the answer expected of it.
#[derive(Debug, Clone)]
pub(super) struct Step {
    /// Comments and blank lines before it, as they stand.
    pub(super) lead: String,
    /// Its line in the file, from 1.
    pub(super) line: usize,
    /// The command.
    pub(super) command: String,
    /// Expected answer, line by line.
    pub(super) expected: Vec<String>,
}

/// A file, taken apart.
#[derive(Debug, Clone)]
pub(super) struct Scenario {
    /// Commands in order.
    pub(super) steps: Vec<Step>,
    /// Comments after the last one.
    pub(super) tail: String,
}

/// What stands between a command and an answer of one line.
const ANSWER: &str = " => ";
/// What stands above an answer of several lines.
const RULE: &str = "----";

/// Takes a file apart.
pub(super) fn parse(text: &str) -> Scenario {
    let mut steps = Vec::new();
    let mut lead = String::new();
    let mut lines = text.lines().enumerate().peekable();
    while let Some((at, line)) = lines.next() {
        if line.trim().is_empty() || line.starts_with('#') {
            lead.push_str(line);
            lead.push('\n');
            continue;
        }
        let (command, answer) = match line.split_once(ANSWER) {
            Some((command, answer)) => (command, Some(answer.trim().to_owned())),
            None => (line, None),
        };
        let mut expected: Vec<String> = answer.into_iter().collect();
        if lines.next_if(|(_, line)| *line == RULE).is_some() {
            while let Some((_, line)) = lines.next_if(|(_, line)| !line.trim().is_empty()) {
                expected.push(line.to_owned());
            }
        }
        steps.push(Step {
            lead: std::mem::take(&mut lead),
            line: at + 1,
            command: command.trim().to_owned(),
            expected,
        });
    }
    Scenario { steps, tail: lead }
}

/// Puts a file together again, with `answers` as what is expected; answers of a paragraph line up.
pub(super) fn rewrite(scenario: &Scenario, answers: &[Vec<String>]) -> String {
    let mut text = String::new();
    let steps = &scenario.steps;
    let mut width = 0;
    for (at, (step, answer)) in steps.iter().zip(answers).enumerate() {
        if at == 0 || !step.lead.is_empty() {
            let follows = |step: &&Step| step.lead.is_empty();
            let paragraph = steps[at + 1..].iter().take_while(follows);
            width = paragraph
                .chain([step])
                .map(|step| step.command.len())
                .max()
                .unwrap_or(0);
        }
        text.push_str(&step.lead);
        match answer.as_slice() {
            [] => text.push_str(&step.command),
            [line] => text += &format!("{:width$}{ANSWER}{line}", step.command),
            lines => text += &format!("{}\n{RULE}\n{}", step.command, lines.join("\n")),
        }
        text.push('\n');
        let next = steps.get(at + 1).map_or(&scenario.tail, |next| &next.lead);
        if answer.len() > 1 && !next.is_empty() && !next.starts_with('\n') {
            text.push('\n');
        }
        if answer.len() > 1 && next.is_empty() && at + 1 < steps.len() {
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
    if ns == 0 {
        return "0".to_owned();
    }
    for (unit, name) in [
        (60_000_000_000, "m"),
        (1_000_000_000, "s"),
        (1_000_000, "ms"),
        (1_000, "us"),
    ] {
        if ns.is_multiple_of(unit) {
            return format!("{}{name}", ns / unit);
        }
    }
    format!("{ns}ns")
}
