//! kstatus: when is a Kubernetes object ready?
//!
//! Pure rules on an object's JSON: no cluster, no clock, no I/O, no panic on any input. The same code runs in
//! the kstatus plugin (compiled to WebAssembly) and natively in tests and in `windlass wait`.
//!
//! * [`compute`] is the status computation of [fluxcd/cli-utils](https://github.com/fluxcd/cli-utils), the
//!   library behind Helm 4's `--wait`, with the same statuses, reasons and messages. [`Flavor::Upstream`]
//!   selects what `kubernetes-sigs/cli-utils` does where the two differ.
//! * [`Rules`] chooses between kstatus, what Helm 3 waits for, and the strict rules of `windlass wait`.
//! * [`readiness()`] looks at the annotations `helm.sh/readiness-success` and `helm.sh/readiness-failure`
//!   (HIP-0025) first, and falls back to [`compute`].
//! * [`augment()`] writes the verdict's synthetic condition into the object.
//! * [`pods::with_pods`] and [`aggregate`] are what kstatus' cluster readers decide from several objects.
//!
//! Where the rules come from and where ours differ on purpose is said at each function.

mod annotation;
mod augment;
mod decimal;
mod doubts;
mod expression;
mod fields;
mod fresh;
mod helm3;
pub mod jsonpath;
mod lists;
mod own;
pub mod pods;
mod readiness;
mod rules;
mod schema;
mod strict;
mod syntax;
mod time;
mod verdict;
mod wanted;
pub mod well_known;

pub use annotation::{AnnotationError, parse_annotation};
pub use augment::augment;
pub use expression::{Evaluation, Expression};
pub use own::OwnRule;
pub use readiness::{FAILURE_ANNOTATION, SUCCESS_ANNOTATION, readiness, readiness_among};
pub use rules::compute;
pub use schema::NoSuchField;
pub use syntax::SyntaxError;
pub use time::{format_rfc3339, parse_rfc3339};
pub use verdict::{Condition, Error, Status, Verdict, aggregate};

/// Whose rules decide where the two kstatus libraries differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flavor {
    /// `github.com/fluxcd/cli-utils`, the fork Helm 4 uses: a suspended Job is not special, and pods that are
    /// unschedulable or being deleted do not make their controller fail.
    #[default]
    Fork,
    /// `sigs.k8s.io/cli-utils`: a suspended Job is Current, and any failed pod makes its controller fail.
    Upstream,
}

/// Whose rules decide where an object has no annotations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rules {
    /// kstatus, as in Helm 4's `--wait`.
    #[default]
    Helm4,
    /// Helm 3's `--wait`: a few built-in kinds, all others are ready at once.
    Helm3,
    /// kstatus, and more where it is silent or too early: what Helm 3, Helm 4 or Argo CD calls not ready is not ready.
    Strict,
}

impl Rules {
    /// The word that names them: `strict`, `helm4` or `helm3`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Rules::Strict => "strict",
            Rules::Helm4 => "helm4",
            Rules::Helm3 => "helm3",
        }
    }

    /// The rules of that name.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        [Rules::Strict, Rules::Helm4, Rules::Helm3].into_iter().find(|rules| rules.as_str() == word)
    }
}

/// How [`compute`] and [`readiness()`] decide.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// What [`readiness()`] falls back to; [`compute`] is kstatus whatever this says.
    pub rules: Rules,
    /// Which kstatus.
    pub flavor: Flavor,
    /// The present as seconds since 1970. Only one rule needs it: a pod that cannot be scheduled has 15 seconds
    /// before it counts as failed. Without it that grace is over at once.
    pub now: Option<i64>,
    /// A Job is Current only once it is complete (Helm's `--wait-for-jobs`); otherwise a running Job is.
    pub wait_for_jobs: bool,
    /// [`readiness()`] evaluates the annotations even when the object is being deleted or its newest generation
    /// has not been observed. Helm's proposal says nothing about either; by default both are checked first, so
    /// that a status left over from before an upgrade is not taken for the answer.
    pub trust_stale_status: bool,
}
