//! From what the command line says to opened plugins with their configuration, grants and limits.

use windlass_abi::config::to_entries;

use super::PluginArgs;
use crate::cli::attach;
use crate::cli::printer::Printer;
use crate::config::pipeline::Pipeline;
use crate::config::settings::{self, Configured};
use crate::error::Error;
use crate::plugin::lock::{self, Lock};
use crate::plugin::verify::Verified;
use crate::render;
use crate::sandbox::grants::Grants;
use crate::sandbox::limits::Limits;
use crate::sandbox::options::{Graft, Step};
use crate::source::PluginRef;

/// A plugin with the configuration laid so far, and what its entry in the pipeline gives it.
type PlannedStep = (Configured, Given);

/// A plugin and what its entry in the pipeline gives it.
type Given = (Verified, Grants, Limits, Graft);

impl PluginArgs {
    /// The steps of the run. The stream has not been read: what is wrong with the arguments is said at once.
    ///
    /// # Errors
    /// A plugin that cannot be found or is not trusted, a pipeline or a configuration that is wrong.
    pub(in crate::cli) fn steps(&self, printer: &Printer) -> Result<Vec<Step>, Error> {
        let chosen = match &self.pipeline {
            Some(file) => self.chosen_in_pipeline(&Pipeline::load(file)?, printer)?,
            None => self.chosen_on_command_line(printer)?,
        };
        let (mut configured, rest): (Vec<Configured>, Vec<Given>) = chosen.into_iter().unzip();
        let (extra_files, extra_args) = settings::take_config_files(&configured, &self.extra_args);
        settings::apply(&mut configured, &self.config.overrides(extra_files))?;
        let shares = settings::share_extra_args(&configured, &extra_args)?;
        Ok(configured
            .into_iter()
            .zip(shares)
            .zip(rest)
            .map(|((configured, extra_args), (plugin, grants, limits, graft))| Step {
                plugin,
                config: to_entries(&configured.into_tree()),
                extra_args,
                grants: self.grants.over(grants),
                limits: self.limits.over(limits),
                graft: if self.no_graft { Graft::Never } else { graft },
            })
            .collect())
    }

    fn chosen_on_command_line(&self, printer: &Printer) -> Result<Vec<PlannedStep>, Error> {
        let attached = match &self.for_chart {
            Some(chart) => attach::plugins_for(chart, &self.remote.registries, printer)?,
            None => Vec::new(),
        };
        attached
            .iter()
            .chain(&self.plugins)
            .map(|reference| self.open(reference, None, printer))
            .map(|plugin| {
                let plugin = plugin?;
                let configured = Configured::new(&plugin)?;
                Ok((configured, (plugin, Grants::default(), Limits::default(), Graft::default())))
            })
            .collect()
    }

    fn chosen_in_pipeline(&self, pipeline: &Pipeline, printer: &Printer) -> Result<Vec<PlannedStep>, Error> {
        let lock = Lock::load(&lock::path_beside(&pipeline.file))?;
        if lock.is_none() && self.locked {
            return Err(Lock::missing());
        }
        pipeline
            .plugins
            .iter()
            .map(|entry| {
                let plugin = self.open(&entry.reference, Some((pipeline, &lock)), printer)?;
                let mut configured = Configured::new(&plugin)?;
                if let Some(config) = &entry.config {
                    configured.lay(config)?;
                }
                Ok((configured, (plugin, entry.grants.clone(), entry.limits.clone(), entry.graft)))
            })
            .collect()
    }

    fn open(
        &self,
        reference: &PluginRef,
        pipeline: Option<(&Pipeline, &Option<Lock>)>,
        printer: &Printer,
    ) -> Result<Verified, Error> {
        let mut remote = self.remote.remote_for(reference, !self.no_cache, printer)?;
        if let Some((pipeline, lock)) = pipeline {
            remote.lock.clone_from(lock);
            remote.locked = self.locked;
            if let Some(trust) = &pipeline.trust {
                remote.trust.add_pipeline(trust, &pipeline.folder, &pipeline.file.display().to_string())?;
            }
        }
        render::open_with(reference, &remote)
    }
}
