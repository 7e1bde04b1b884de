//! What a mapping can name: a kind that has a reader of its own, or any other type of AWS Cloud Control.

use super::cloud_control::{self, TypeName};
use super::{IncludeAction, KINDS, Kind, Page, ReadError, Reading, Scope};

/// How a kind is read.
#[derive(Clone)]
pub enum Reader {
    /// By the calls of its own service.
    Native(&'static Kind),
    /// By AWS Cloud Control, which reads every type in one way.
    CloudControl(TypeName),
}

/// How a kind of that name is read; none when the name has not even the form of one.
///
/// Whether Cloud Control has the type is known only once it is asked for.
pub fn find(name: &str) -> Option<Reader> {
    let native = KINDS.iter().copied().find(|kind| kind.name == name);
    native.map(Reader::Native).or_else(|| TypeName::parse(name).map(Reader::CloudControl))
}

impl Reader {
    /// As mappings write it: `AWS::S3::Bucket`.
    pub fn name(&self) -> &str {
        match self {
            Self::Native(kind) => kind.name,
            Self::CloudControl(type_name) => type_name.as_str(),
        }
    }

    pub fn scope(&self) -> Scope {
        match self {
            Self::Native(kind) => kind.scope,
            Self::CloudControl(type_name) => cloud_control::scope_of(type_name),
        }
    }

    /// Enrichments that a mapping entry asks for by name in `selector.includeActions`.
    pub fn include_actions(&self) -> &'static [IncludeAction] {
        match self {
            Self::Native(kind) => kind.include_actions,
            Self::CloudControl(_) => &[],
        }
    }

    /// Whether the kind is a history, which `selector.maxResults` and `selector.maxAgeDays` bound.
    pub fn is_history(&self) -> bool {
        match self {
            Self::Native(kind) => kind.is_history,
            Self::CloudControl(_) => false,
        }
    }

    /// Reads one page of the listing, with all enrichments, from where the cursor points.
    ///
    /// # Errors
    /// [`ReadError`] when the listing as a whole gave nothing.
    pub async fn list(&self, reading: &Reading, cursor: Option<String>) -> Result<Page, ReadError> {
        match self {
            Self::Native(kind) => (kind.list)(reading, cursor).await,
            Self::CloudControl(type_name) => cloud_control::list(type_name, reading, cursor).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_of_its_own_wins_and_every_other_type_name_goes_through_cloud_control() {
        assert!(matches!(find("AWS::S3::Bucket"), Some(Reader::Native(_))));
        assert!(matches!(find("AWS::S3::AccessPoint"), Some(Reader::CloudControl(_))));
        for name in ["", "s3-bucket", "AWS::S3", "MongoDB::Atlas::Cluster", "AWS::S3::Bucket "] {
            assert!(find(name).is_none(), "{name:?}");
        }
    }
}
