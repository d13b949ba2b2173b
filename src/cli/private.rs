//! Files for their owner's eyes alone.

use std::io::Write;
use std::path::Path;

/// Written beside and renamed, so that there is a whole file or none.
pub fn write(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = file.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = file.file_name().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
    let draft = folder.join(format!(".{name}.{}", std::process::id()));
    let written = write_draft(&draft, bytes).and_then(|()| std::fs::rename(&draft, file));
    if written.is_err() {
        // Nothing half-written stays; that it cannot even be removed changes nothing about the failure.
        let _ = std::fs::remove_file(&draft);
    }
    written
}

fn write_draft(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut out = options.open(file)?;
    out.write_all(bytes)?;
    out.sync_all()
}
