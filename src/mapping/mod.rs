pub mod jq;
