//! Files into lines: plain text, gzip and zip, read as they are.
//!
//! Owns decompression and line numbers, and knows no format of order flow.

use std::{
    fs::File,
    io::{BufRead, BufReader, Cursor, Read},
    path::Path,
};

use flate2::bufread::MultiGzDecoder;
use zip::ZipArchive;

use super::error::{FlowError, Row};

/// A longer line than this is no line of order flow; the longest known has 1.3 kB.
const LINE_BYTES_MAX: u64 = 64 * 1024;

/// A zip entry is held in memory, so that it cannot be allowed to be any size.
const ZIP_ENTRY_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;

const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b];
const ZIP_MAGIC: &[u8] = b"PK\x03\x04";

/// The lines of a file, numbered from 1.
pub(super) struct Lines {
    file: String,
    reader: Box<dyn BufRead>,
    line: u64,
    buffer: Vec<u8>,
}

impl Lines {
    /// Opens a file and looks at its first bytes to see how to read it.
    pub(super) fn open(path: &Path) -> Result<Self, FlowError> {
        let name = path.display().to_string();
        let cannot_open = |source| FlowError::Open {
            file: name.clone(),
            source,
        };
        let mut raw = BufReader::new(File::open(path).map_err(cannot_open)?);
        let magic = raw.fill_buf().map_err(cannot_open)?;
        let reader: Box<dyn BufRead> = if magic.starts_with(GZIP_MAGIC) {
            Box::new(BufReader::new(MultiGzDecoder::new(raw)))
        } else if magic.starts_with(ZIP_MAGIC) {
            Box::new(Cursor::new(read_single_entry(&name, raw)?))
        } else {
            Box::new(raw)
        };
        Ok(Self::new(name, reader))
    }

    fn new(file: String, reader: Box<dyn BufRead>) -> Self {
        Self {
            file,
            reader,
            line: 0,
            buffer: Vec::new(),
        }
    }

    /// Lines of a text, for tests of the formats.
    #[cfg(test)]
    pub(super) fn of_text(file: &str, text: &str) -> Self {
        Self::new(
            file.to_owned(),
            Box::new(Cursor::new(text.as_bytes().to_vec())),
        )
    }

    /// The file, as the caller named it.
    pub(super) fn file(&self) -> &str {
        &self.file
    }

    /// How many lines have been handed out.
    pub(super) fn lines_read(&self) -> u64 {
        self.line
    }

    /// The next line without its line end, or `None` at the end of the file.
    pub(super) fn next_row(&mut self) -> Result<Option<Row<'_>>, FlowError> {
        let line = self.line + 1;
        self.buffer.clear();
        let read = self
            .reader
            .by_ref()
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut self.buffer)
            .map_err(|source| FlowError::Read {
                file: self.file.clone(),
                line,
                source,
            })?;
        if read == 0 {
            return Ok(None);
        }
        self.line = line;
        let mut bytes = self.buffer.as_slice();
        if let Some(rest) = bytes.strip_suffix(b"\n") {
            bytes = rest.strip_suffix(b"\r").unwrap_or(rest);
        } else if u64::try_from(read).is_ok_and(|read| read == LINE_BYTES_MAX) {
            return Err(self.not_a_line("is longer than 64 KiB"));
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Some(Row {
                file: &self.file,
                line,
                text,
            })),
            Err(_) => Err(self.not_a_line("is not text")),
        }
    }

    fn not_a_line(&self, problem: &'static str) -> FlowError {
        FlowError::Line {
            file: self.file.clone(),
            line: self.line,
            problem,
        }
    }
}

/// Unpacks the one file of a zip archive; its checksum is verified on the way.
fn read_single_entry(name: &str, raw: BufReader<File>) -> Result<Vec<u8>, FlowError> {
    let unsound = |problem: String| FlowError::Archive {
        file: name.to_owned(),
        problem,
    };
    let mut archive =
        ZipArchive::new(raw).map_err(|error| unsound(format!("is not a sound zip: {error}")))?;
    let mut files = Vec::new();
    for index in 0..archive.len() {
        let entry = archive
            .by_index(index)
            .map_err(|error| unsound(format!("entry {index} of the zip: {error}")))?;
        if entry.is_file() {
            files.push(index);
        }
    }
    let &[index] = files.as_slice() else {
        return Err(unsound(format!(
            "holds {} files; one is expected",
            files.len()
        )));
    };
    let entry = archive
        .by_index(index)
        .map_err(|error| unsound(format!("entry {index} of the zip: {error}")))?;
    let mut bytes = Vec::new();
    match entry.take(ZIP_ENTRY_BYTES_MAX).read_to_end(&mut bytes) {
        Ok(read) if u64::try_from(read).is_ok_and(|read| read < ZIP_ENTRY_BYTES_MAX) => Ok(bytes),
        Ok(_) => Err(unsound("unpacks to 2 GiB or more".to_owned())),
        Err(source) => Err(FlowError::Read {
            file: name.to_owned(),
            line: line_after(&bytes),
            source,
        }),
    }
}

/// The number of the line that `bytes` end in.
fn line_after(bytes: &[u8]) -> u64 {
    let ended = bytes.iter().filter(|&&byte| byte == b'\n').count();
    u64::try_from(ended).map_or(u64::MAX, |ended| ended.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};
    use zip::{ZipWriter, write::SimpleFileOptions};

    use super::*;

    fn file_of(bytes: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zip_of(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in entries {
            writer
                .start_file(*name, SimpleFileOptions::default())
                .unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn read_all(bytes: &[u8]) -> Result<Vec<(u64, String)>, FlowError> {
        let file = file_of(bytes);
        let mut lines = Lines::open(file.path())?;
        let mut all = Vec::new();
        while let Some(row) = lines.next_row()? {
            all.push((row.line, row.text.to_owned()));
        }
        assert_eq!(lines.lines_read(), u64::try_from(all.len()).unwrap());
        Ok(all)
    }

    /// Text that does not compress to nothing, in numbered lines.
    fn long_text() -> Vec<u8> {
        (0..5_000u64)
            .flat_map(|n| format!("{n},{}\n", n.wrapping_mul(0x9E37_79B9_7F4A_7C15)).into_bytes())
            .collect()
    }

    #[test]
    fn plain_gzip_and_zip_give_the_same_lines() {
        let text = b"one\r\ntwo\n\nlast without an end";
        let expected = vec![
            (1, "one".to_owned()),
            (2, "two".to_owned()),
            (3, String::new()),
            (4, "last without an end".to_owned()),
        ];
        assert_eq!(read_all(text).unwrap(), expected);
        assert_eq!(read_all(&gzip(text)).unwrap(), expected);
        assert_eq!(read_all(&zip_of(&[("a.log", text)])).unwrap(), expected);
    }

    #[test]
    fn gzip_members_one_after_the_other_are_one_file() {
        let both = [gzip(b"one\n"), gzip(b"two\n")].concat();
        assert_eq!(read_all(&both).unwrap().len(), 2);
    }

    #[test]
    fn a_truncated_gzip_is_an_error_with_the_line_it_stopped_in() {
        let whole = gzip(&long_text());
        let error = read_all(&whole[..whole.len() / 2]).unwrap_err();
        let FlowError::Read { line, .. } = error else {
            panic!("{error}")
        };
        assert!(line > 1 && line < 5_000, "line {line}");
        // Without its trailer nothing vouches for the text, complete as it looks.
        assert!(read_all(&whole[..whole.len() - 8]).is_err());
    }

    #[test]
    fn a_gzip_with_a_flipped_bit_is_an_error() {
        let mut bytes = gzip(&long_text());
        let checksum = bytes.len() - 8;
        bytes[checksum] ^= 1;
        assert!(matches!(read_all(&bytes), Err(FlowError::Read { .. })));
    }

    #[test]
    fn a_truncated_zip_and_a_damaged_zip_are_errors() {
        let whole = zip_of(&[("a.log", &long_text())]);
        assert!(matches!(
            read_all(&whole[..whole.len() / 2]),
            Err(FlowError::Archive { .. })
        ));
        let mut damaged = whole.clone();
        damaged[whole.len() / 2] ^= 0x10;
        assert!(matches!(read_all(&damaged), Err(FlowError::Read { .. })));
    }

    #[test]
    fn a_zip_of_two_files_is_refused_rather_than_guessed_at() {
        let error = read_all(&zip_of(&[("a", b"1\n"), ("b", b"2\n")])).unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("holds 2 files; one is expected")
        );
    }

    #[test]
    fn binary_and_endless_lines_are_refused_with_their_number() {
        assert!(matches!(
            read_all(b"fine\n\xff\xfe\n"),
            Err(FlowError::Line { line: 2, .. })
        ));
        assert!(matches!(
            read_all(&[b'x'; 70_000]),
            Err(FlowError::Line { line: 1, .. })
        ));
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let Err(error) = Lines::open(Path::new("no/such/file.csv")) else {
            panic!("opened")
        };
        assert!(
            error
                .to_string()
                .starts_with("no/such/file.csv: cannot be opened")
        );
    }
}
