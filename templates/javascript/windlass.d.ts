// What a script for Windlass sees, for editors.

/** An object of the release, as Kubernetes has it. */
interface Manifest {
  apiVersion: string;
  kind: string;
  metadata?: {
    name?: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    [field: string]: any;
  };
  [field: string]: any;
}

/** The objects of the release. Another array in its place is the answer as well. */
declare var manifests: Manifest[];

/** What the configuration has under `args`. */
declare const args: any;

/** From the configuration: Helm does not tell a post-renderer. */
declare const release: { name?: string; namespace?: string };

/** Helm's `--post-renderer-args` that are not `key=value`. */
declare const extraArgs: string[];

/** Goes to the log: `--log-level info` shows `log`. */
declare const console: Record<"log" | "info" | "debug" | "warn" | "error", (...values: any[]) => void>;

/** For YAML inside of texts. */
declare const YAML: { parse(text: string): any; stringify(value: any): string };

/** For Secrets. */
declare const base64: { encode(text: string): string; decode(text: string): string };
