//! [`Files`]: what expressions may read.

/// Reads of files that expressions ask for. Paths are relative to the file that the expression is written in and may not leave the repository.
pub trait Files {
    fn read(&self, path: &str) -> Result<Vec<u8>, String>;
    /// The clear text of a file that SOPS encrypted; nothing yet where somebody must be asked for the key first.
    fn decrypt(&self, path: &str) -> Result<Option<String>, String>;
    fn exists(&self, path: &str) -> Result<bool, String>;
    /// Files below `dir` whose relative path matches `pattern`, sorted.
    fn glob(&self, dir: &str, pattern: &str) -> Result<Vec<String>, String>;
    /// `path.module`-relative normalised absolute path, for `abspath`.
    fn absolute(&self, path: &str) -> Result<String, String>;
}
