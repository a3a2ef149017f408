//! What is wrong with a configuration file, where, and the way out.

use std::cell::RefCell;
use std::fmt;
use std::ops::Range;

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Bytes of the file that it is about.
    pub span: Range<usize>,
    /// Section and key, for example `[[accounts]] desk`.
    pub key: String,
    /// What is wrong.
    pub what: String,
    /// The way out; may be empty.
    pub help: String,
}

/// All mistakes of one file in the order of their places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistakes {
    /// Name of the file, for people.
    pub file: String,
    /// The mistakes; never empty.
    pub list: Vec<Mistake>,
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, m) in self.list.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            write!(
                f,
                "{}:{}:{}: {}: {}",
                self.file, m.line, m.column, m.key, m.what
            )?;
            if !m.help.is_empty() {
                write!(f, "; {}", m.help)?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}

/// Where the readers of sections note mistakes.
#[derive(Debug)]
pub(super) struct Notes<'a> {
    source: &'a str,
    list: RefCell<Vec<Mistake>>,
}

impl<'a> Notes<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        Self {
            source,
            list: RefCell::default(),
        }
    }

    pub(super) fn add(
        &self,
        span: Range<usize>,
        key: impl Into<String>,
        what: impl Into<String>,
        help: impl Into<String>,
    ) {
        let before = self.source.get(..span.start).unwrap_or(self.source);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        self.list.borrow_mut().push(Mistake {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            span,
            key: key.into(),
            what: what.into(),
            help: help.into(),
        });
    }

    /// All mistakes in the order of their places, if there are any.
    pub(super) fn into_mistakes(self, file: &str) -> Option<Mistakes> {
        let mut list = self.list.into_inner();
        list.sort_by_key(|mistake| mistake.span.start);
        (!list.is_empty()).then(|| Mistakes {
            file: file.to_owned(),
            list,
        })
    }
}
