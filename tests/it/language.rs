//! The language over a corpus of files, good and bad.
