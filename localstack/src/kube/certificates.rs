//! The certificates of one plane, made when it starts and gone with it.

use std::fs;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};

use super::api::Identity;
use crate::StartError;

/// The names under which pods reach the API server.
const NAMES: [&str; 5] =
    ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"];

/// A certificate authority and the folder that its files are in.
pub struct Authority {
    folder: PathBuf,
    issuer: Issuer<'static, KeyPair>,
    pub pem: String,
}

impl Authority {
    /// Makes one, and writes `ca.crt` and `ca.key`.
    pub fn new(folder: &Path) -> Result<Self, StartError> {
        let key = KeyPair::generate().map_err(failed)?;
        let mut about = params("kubernetes", None)?;
        about.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        about.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
        let pem = about.self_signed(&key).map_err(failed)?.pem();
        write(&folder.join("ca.crt"), &pem)?;
        write(&folder.join("ca.key"), &key.serialize_pem())?;
        Ok(Self { folder: folder.to_owned(), issuer: Issuer::new(about, key), pem })
    }

    /// Writes `apiserver.crt` and `apiserver.key`. `service` is the address of the Service `kubernetes`.
    pub fn server(&self, service: Ipv4Addr) -> Result<(), StartError> {
        let mut about = params("kube-apiserver", None)?;
        about.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        for name in NAMES {
            about.subject_alt_names.push(SanType::DnsName(name.try_into().map_err(failed)?));
        }
        for address in [Ipv4Addr::LOCALHOST, service] {
            about.subject_alt_names.push(SanType::IpAddress(IpAddr::V4(address)));
        }
        let identity = self.sign(about)?;
        write(&self.folder.join("apiserver.crt"), &identity.certificate)?;
        write(&self.folder.join("apiserver.key"), &identity.key)?;
        Ok(())
    }

    /// A client: `user` is its name, `group` its group.
    pub fn client(&self, user: &str, group: Option<&str>) -> Result<Identity, StartError> {
        let mut about = params(user, group)?;
        about.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(about)
    }

    /// Writes `sa.key`, with which service account tokens are signed, and `sa.pub`, with which they are checked.
    pub fn service_accounts(&self) -> Result<(), StartError> {
        let key = KeyPair::generate().map_err(failed)?;
        write(&self.folder.join("sa.pub"), &key.public_key_pem())?;
        Ok(write(&self.folder.join("sa.key"), &key.serialize_pem())?)
    }

    fn sign(&self, about: CertificateParams) -> Result<Identity, StartError> {
        let key = KeyPair::generate().map_err(failed)?;
        let certificate = about.signed_by(&key, &self.issuer).map_err(failed)?.pem();
        Ok(Identity { certificate, key: key.serialize_pem() })
    }
}

/// A kubeconfig for `identity`.
pub fn kubeconfig(endpoint: &str, ca_pem: &str, identity: &Identity) -> String {
    let encode = |text: &str| BASE64_STANDARD.encode(text);
    format!(
        "apiVersion: v1\n\
         kind: Config\n\
         current-context: local\n\
         contexts:\n\
         - name: local\n  context: {{cluster: local, user: local}}\n\
         clusters:\n\
         - name: local\n  cluster: {{server: \"{endpoint}\", certificate-authority-data: \"{}\"}}\n\
         users:\n\
         - name: local\n  user: {{client-certificate-data: \"{}\", client-key-data: \"{}\"}}\n",
        encode(ca_pem),
        encode(&identity.certificate),
        encode(&identity.key),
    )
}

/// Writes a file that nobody else may read.
pub fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}

fn params(name: &str, group: Option<&str>) -> Result<CertificateParams, StartError> {
    let mut params = CertificateParams::new(Vec::new()).map_err(failed)?;
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, name);
    if let Some(group) = group {
        subject.push(DnType::OrganizationName, group);
    }
    params.distinguished_name = subject;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    Ok(params)
}

fn failed(failure: rcgen::Error) -> StartError {
    StartError::Setup(format!("no certificate: {failure}"))
}
