//! Whom to believe.

pub mod openpgp;
