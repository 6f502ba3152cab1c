//! The client secret, read anew whenever it is needed, so that a rotated file works at once.

use std::fmt;
use std::fs;
use std::path::Path;

use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};

use crate::config::{CREDENTIALS, SecretSource};
use crate::genesys::call::CallError;
use crate::machine;

/// Reads the secret from where it is kept. Shows that place, and never the secret.
pub(super) struct Reader {
    source: SecretSource,
}

impl Reader {
    pub(super) fn new(source: SecretSource) -> Reader {
        Reader { source }
    }

    /// Reads it as it is now, without the space around it that editors leave.
    ///
    /// # Errors
    ///
    /// [`CallError::Credentials`] if it cannot be read, or if there is nothing.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub(super) async fn read(&self) -> Result<SecretString, CallError> {
        let wrong =
            |reason: String| CallError::Credentials(format!("the secret ({self}): {reason}"));
        let text = match &self.source {
            SecretSource::File(path) => self.read_file(path).await.map_err(wrong)?,
            SecretSource::Credential(name) => {
                let folder = std::env::var_os(CREDENTIALS)
                    .ok_or_else(|| wrong(format!("${CREDENTIALS} is not set")))?;
                self.read_file(&Path::new(&folder).join(name)).await.map_err(wrong)?
            }
            SecretSource::Environment(name) => {
                let text = std::env::var(&**name)
                    .map_err(|_| wrong("it is not set, or no UTF-8".to_owned()))?;
                SecretString::from(Zeroizing::new(text).trim())
            }
        };
        if text.expose_secret().is_empty() {
            return Err(wrong("it is empty".to_owned()));
        }
        Ok(text)
    }

    async fn read_file(&self, path: &Path) -> Result<SecretString, String> {
        let file = path.to_owned();
        let read = machine::blocking(move || fs::read(file)).await;
        let read = read.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
        let read = Zeroizing::new(read);
        if is_everybodys(path).await {
            return Err("every user of this machine can read it; chmod 0400 it".to_owned());
        }
        let text = std::str::from_utf8(&read).map_err(|_| "no UTF-8".to_owned())?;
        Ok(SecretString::from(text.trim()))
    }
}

async fn is_everybodys(path: &Path) -> bool {
    let file = path.to_owned();
    let metadata = machine::blocking(move || fs::metadata(file)).await;
    matches!(metadata, Ok(Ok(metadata)) if machine::is_everybodys(&metadata))
}

impl fmt::Display for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            SecretSource::File(path) => write!(f, "{}", path.display()),
            SecretSource::Environment(name) => write!(f, "${name}"),
            SecretSource::Credential(name) => write!(f, "${CREDENTIALS}/{name}"),
        }
    }
}
