//! Every sentence a person reads. Work first, then the disagreement, then one line of cost; the rest folded.

pub mod check;
pub mod compare;
pub mod dismissal;
pub mod doctor;
mod html;
pub mod inline;
pub mod lanes;
pub mod outside;
pub mod place;
pub mod provenance;
pub mod replay;
pub mod safe;
pub mod sides;
pub mod stop;
pub mod suggestion;
pub mod summary;
#[cfg(test)]
mod tests;
pub mod text;
pub mod words;

/// The name of the check on the reviewed commit.
pub const CHECK_NAME: &str = "Counterpoint";

/// GitHub takes 65 536 characters; counted in code points this is safe in every reading of that limit.
pub const MAX_BODY: usize = 65_000;
