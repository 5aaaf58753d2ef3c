//! Streams of any size, as Helm 4 hands them over: re-emitted by kyaml, with the filename annotation on each document.
//! The objects are what charts are made of, in the proportions of the public ones; all names differ, as some of the
//! tools refuse two objects of one name.

use std::fmt::Write as _;

/// A stream of that many objects.
#[must_use]
pub fn objects(count: usize) -> Vec<u8> {
    let mut stream = String::new();
    for number in 0..count {
        push(&mut stream, number);
    }
    stream.into_bytes()
}

/// A stream of about that many bytes: whole objects, at least one.
#[must_use]
pub fn bytes(size: usize) -> Vec<u8> {
    let mut stream = String::with_capacity(size + 2_000);
    let mut number = 0;
    while number == 0 || stream.len() < size {
        push(&mut stream, number);
        number += 1;
    }
    stream.into_bytes()
}

fn push(stream: &mut String, number: usize) {
    if number > 0 {
        stream.push_str("---\n");
    }
    // Writing into a string cannot fail.
    let _ = match number % 4 {
        0 => deployment(stream, number),
        1 => service(stream, number),
        2 => config_map(stream, number),
        _ => role(stream, number),
    };
}

fn head(stream: &mut String, api: &str, kind: &str, number: usize) -> std::fmt::Result {
    write!(
        stream,
        "apiVersion: {api}\nkind: {kind}\nmetadata:\n  name: part-{number}\n  namespace: prod\n  labels:\n    \
         app.kubernetes.io/name: part-{number}\n    app.kubernetes.io/instance: shop\n    \
         app.kubernetes.io/version: \"1.20\"\n    app.kubernetes.io/managed-by: Helm\n    helm.sh/chart: parts-4.2.0\n  \
         annotations:\n    postrenderer.helm.sh/postrender-filename: 'parts/templates/part-{number}.yaml'\n"
    )
}

fn deployment(stream: &mut String, number: usize) -> std::fmt::Result {
    head(stream, "apps/v1", "Deployment", number)?;
    write!(
        stream,
        "spec:\n  replicas: 2\n  selector:\n    matchLabels:\n      app.kubernetes.io/name: part-{number}\n  template:\n    \
         metadata:\n      labels:\n        app.kubernetes.io/name: part-{number}\n        app.kubernetes.io/instance: shop\n    \
         spec:\n      serviceAccountName: part-{number}\n      securityContext:\n        runAsNonRoot: true\n      \
         containers:\n      - name: main\n        image: \"registry.example/parts/part-{number}:1.20.3\"\n        \
         imagePullPolicy: IfNotPresent\n        args: [serve, --listen, \"0.0.0.0:8080\"]\n        env:\n        \
         - name: LOG_LEVEL\n          value: info\n        - name: REGION\n          value: \"eu-west-1\"\n        ports:\n        \
         - name: http\n          containerPort: 8080\n          protocol: TCP\n        livenessProbe:\n          httpGet:\n            \
         path: /healthz\n            port: http\n        resources:\n          limits:\n            cpu: 500m\n            \
         memory: 128Mi\n          requests:\n            cpu: 100m\n            memory: 64Mi\n        volumeMounts:\n        \
         - name: config\n          mountPath: /etc/part\n          readOnly: true\n      volumes:\n      - name: config\n        \
         configMap:\n          name: part-{number}\n"
    )
}

fn service(stream: &mut String, number: usize) -> std::fmt::Result {
    head(stream, "v1", "Service", number)?;
    write!(
        stream,
        "spec:\n  type: ClusterIP\n  ports:\n  - name: http\n    port: 80\n    targetPort: http\n    protocol: TCP\n  selector:\n    \
         app.kubernetes.io/name: part-{number}\n    app.kubernetes.io/instance: shop\n"
    )
}

fn config_map(stream: &mut String, number: usize) -> std::fmt::Result {
    head(stream, "v1", "ConfigMap", number)?;
    stream.push_str("data:\n  enabled: \"on\"\n  mode: \"0755\"\n  settings.yaml: |\n");
    for line in 0..24 {
        writeln!(stream, "    key-{line}: a value of an ordinary length, number {number}")?;
    }
    Ok(())
}

fn role(stream: &mut String, number: usize) -> std::fmt::Result {
    head(stream, "rbac.authorization.k8s.io/v1", "Role", number)?;
    stream.push_str("rules:\n");
    for group in ["\"\"", "apps", "batch"] {
        write!(
            stream,
            "- apiGroups:\n  - {group}\n  resources:\n  - configmaps\n  - deployments\n  - jobs\n  verbs:\n  - get\n  - list\n  - watch\n"
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{bytes, objects};

    #[test]
    fn the_compared_stream_is_the_one_of_the_goals() {
        let megabytes = objects(760).len() as f64 / 1e6;
        assert!((0.80..0.90).contains(&megabytes), "{megabytes}");
    }

    #[test]
    fn a_stream_has_about_the_size_asked_for() {
        assert!((10_000..13_000).contains(&bytes(10_000).len()));
    }
}
