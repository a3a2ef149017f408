//! Owns proving a journal by replay.
