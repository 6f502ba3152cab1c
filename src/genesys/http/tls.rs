//! One TLS for all: what is trusted for requests is trusted for sockets, and nothing else.
//!
//! The system's roots by the platform's verifier, and beside them those of `network.ca_file`. The
//! cryptography is passed explicitly: there is no process-wide default that could be missing.

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;
use tracing::warn;

use super::NetworkError;

/// Builds the configuration of every TLS connection, without ALPN.
///
/// A system without root certificates is no error, so that a simulator on loopback works there;
/// every TLS connection is refused then.
///
/// # Errors
///
/// If `ca_file` cannot be read, or has no certificate, or one that is not well formed.
pub(super) fn client_config(ca_file: Option<&Path>) -> Result<ClientConfig, NetworkError> {
    let extra = ca_file.map_or(Ok(Vec::new()), read_certificates)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| NetworkError::Platform { reason: error.to_string() })?;
    let has_extra = !extra.is_empty();
    let builder = match Verifier::new_with_extra_roots(extra, provider) {
        Ok(verifier) => {
            let verifier: Arc<dyn ServerCertVerifier> = Arc::new(verifier);
            builder.dangerous().with_custom_certificate_verifier(verifier)
        }
        Err(error) if has_extra => {
            return Err(NetworkError::Setting {
                key: "network.ca_file",
                reason: error.to_string(),
            });
        }
        Err(error) => {
            warn!(%error, "the system has no root certificates, every TLS connection will fail");
            builder.with_root_certificates(RootCertStore::empty())
        }
    };
    Ok(builder.with_no_client_auth())
}

fn read_certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, NetworkError> {
    let wrong = |reason: String| NetworkError::Setting {
        key: "network.ca_file",
        reason: format!("{}: {reason}", file.display()),
    };
    let text = std::fs::read(file).map_err(|error| wrong(error.to_string()))?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    // What stands in the file is not shown: it may be a key that was put there by mistake.
    let certificates = certificates
        .map_err(|_| wrong("it is not well-formed PEM; expected certificates".to_owned()))?;
    if certificates.is_empty() {
        return Err(wrong("it has no `-----BEGIN CERTIFICATE-----`".to_owned()));
    }
    Ok(certificates)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn a_bad_file_is_a_clear_error() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        let reason = |text: &str| {
            std::fs::write(&file, text).unwrap();
            let error = client_config(Some(&file)).unwrap_err().to_string();
            error.replace(&file.display().to_string(), "FILE")
        };
        let texts = [
            "",
            "no certificate",
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
            "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "-----BEGIN CERTIFICATE-----\nAAAA\n",
        ];
        let reasons: Vec<String> = texts.into_iter().map(reason).collect();
        expect![[r#"
            network.ca_file: FILE: it has no `-----BEGIN CERTIFICATE-----`
            network.ca_file: FILE: it has no `-----BEGIN CERTIFICATE-----`
            network.ca_file: FILE: it has no `-----BEGIN CERTIFICATE-----`
            network.ca_file: FILE: it is not well-formed PEM; expected certificates
            network.ca_file: invalid peer certificate: BadEncoding
            network.ca_file: FILE: it is not well-formed PEM; expected certificates"#]]
        .assert_eq(&reasons.join("\n"));
        let missing = client_config(Some(Path::new("/none.pem"))).unwrap_err().to_string();
        assert!(missing.starts_with("network.ca_file: /none.pem: "), "{missing}");
    }
}
