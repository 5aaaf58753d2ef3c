//! The configuration.

use windlass_pdk::Config;

/// What to do about what server-side apply would refuse or get wrong.
#[derive(Debug, Config)]
pub struct Settings {
    /// What to do with what is found.
    #[config(default)]
    pub(crate) mode: Mode,
    /// What not to look for.
    #[config(default)]
    pub(crate) skip: Vec<Sort>,
    /// Which item stays where several with one key all count; without it none is dropped, and the person has to say.
    pub(crate) keep: Option<Keep>,
    /// What to do with what cannot be mended.
    #[config(default)]
    pub(crate) on_left: OnLeft,
}

/// What to do with what is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Config)]
pub(crate) enum Mode {
    /// It is mended; what is taken out that a newer cluster may know is a warning.
    #[default]
    Mend,
    /// It is a warning, and nothing changes.
    Report,
    /// The render fails with all of it, and nothing changes.
    Check,
}

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Config)]
pub(crate) enum Sort {
    /// Items of a list that have the same key, where Kubernetes tells items apart by keys, and items that a set has
    /// twice.
    Duplicates,
    /// `replicas` of what a HorizontalPodAutoscaler or a KEDA ScaledObject of the release scales.
    Replicas,
    /// Values of another type than Kubernetes' API says.
    Types,
    /// Fields that Kubernetes' API does not have.
    UnknownFields,
    /// What a server wrote into the object: `managedFields`, `kubectl.kubernetes.io/last-applied-configuration`,
    /// `creationTimestamp`, an empty `status` and the like.
    LeftOvers,
}

/// Which item stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Config)]
pub(crate) enum Keep {
    /// The first one.
    First,
    /// The last one.
    Last,
}

/// What to do with what cannot be mended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Config)]
pub(crate) enum OnLeft {
    /// The render fails, with all of it.
    #[default]
    Error,
    /// It is a warning.
    Warn,
}
