//! What an answer says, at the places that can be proven.

use crate::adapters::agents::Repository;
use crate::adapters::tree::Tree;
use crate::domain::diff::{self, Around, Claim, Diff, Resolver};
use crate::domain::finding::{Cleared, Finding, Placement, Raised, Side};
use crate::domain::reply::Reply;
use crate::domain::units::LaneName;

/// What there is to read.
#[derive(Clone, Copy, Debug)]
pub struct Matter<'a> {
    /// The change.
    pub diff: &'a Diff,
    /// What stands around it.
    pub around: &'a Around,
    /// Where lanes may look up the rest; none where there is only a diff.
    pub tree: Option<&'a Tree>,
    /// What agent command lines may look into; none where there is no copy of the reviewed commit.
    pub repository: Option<&'a Repository>,
}

/// An answer, understood.
pub(super) struct Said {
    /// What it raised.
    pub(super) findings: Vec<Raised>,
    /// What it checked and holds sound.
    pub(super) clearances: Vec<Cleared>,
    /// What of it could not be understood.
    pub(super) problems: Vec<String>,
}

/// Proves the places of an answer. `batch` is the position of what was read, and how many there are.
pub(super) fn understood(reply: Reply, lane: &LaneName, batch: (usize, usize), matter: &Matter<'_>) -> Said {
    let diff = matter.diff;
    let mut resolver = Resolver::new(diff).knowing(matter.around);
    let raised = reply.findings.into_iter().map(|mut finding| {
        let placement = place(&mut resolver, &finding);
        // Every conversation counts its findings from the beginning.
        if let (batch, 2..) = batch {
            finding.id = format!("{}.{}", batch + 1, finding.id);
        }
        // Also a finding without a place is about a file, and the other lane may spell it as it is.
        if let Some(file) = diff::named_file(diff, &finding.path) {
            finding.path.clone_from(&file.path);
        }
        Raised { lane: lane.clone(), placement, finding, informed: false }
    });
    let findings = raised.collect();
    let cleared = reply.clearances.into_iter().map(|clearance| {
        let claim = Claim {
            path: &clearance.path,
            side: Side::New,
            line_start: 0,
            line_end: 0,
            quote: &clearance.quote,
        };
        let placement = resolver.resolve(&claim);
        Cleared { lane: lane.clone(), placement, clearance }
    });
    Said { findings, clearances: cleared.collect(), problems: reply.problems }
}

fn place(resolver: &mut Resolver<'_>, finding: &Finding) -> Placement {
    let claim = Claim {
        path: &finding.path,
        side: finding.side,
        line_start: finding.line_start,
        line_end: finding.line_end,
        quote: &finding.quote,
    };
    resolver.resolve(&claim)
}
