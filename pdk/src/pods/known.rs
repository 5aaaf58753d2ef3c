//! Custom kinds that hold pods, and where: widely used operators that people have beside their charts.
//!
//! Each row names the repository and the folder of its CRD. In November 2026 the paths of 57 kinds were looked up in
//! the schemas of those CRDs; two of Strimzi's are of versions before. A kind that is not here is searched for
//! containers ([`super::containers`]), or named in a plugin's configuration.

/// What an object of a kind holds, by words of one letter and a path: `T:` a pod template (a map with `spec`), `S:` a
/// map with `containers` that has other fields of a pod's spec as well, `L:` one that has not, `C:` a single container,
/// `I:` a field that is an image.
///
/// Sorted by group, so that a row is found by eye.
pub(super) const KINDS: &[(&str, &str, &str)] = &[
    // actions/actions-runner-controller config/crd/bases
    ("actions.github.com", "AutoscalingRunnerSet", "T:spec.template T:spec.listenerTemplate"),
    ("actions.github.com", "EphemeralRunnerSet", "T:spec.ephemeralRunnerSpec"),
    ("actions.summerwind.dev", "RunnerDeployment", "S:spec.template.spec I:spec.template.spec.image"),
    // elastic/cloud-on-k8s config/crds
    (
        "agent.k8s.elastic.co",
        "Agent",
        "I:spec.image T:spec.daemonSet.podTemplate T:spec.deployment.podTemplate T:spec.statefulSet.podTemplate",
    ),
    ("apm.k8s.elastic.co", "ApmServer", "I:spec.image T:spec.podTemplate"),
    ("beat.k8s.elastic.co", "Beat", "I:spec.image T:spec.daemonSet.podTemplate T:spec.deployment.podTemplate"),
    ("elasticsearch.k8s.elastic.co", "Elasticsearch", "I:spec.image T:spec.nodeSets[*].podTemplate"),
    ("kibana.k8s.elastic.co", "Kibana", "I:spec.image T:spec.podTemplate"),
    ("logstash.k8s.elastic.co", "Logstash", "I:spec.image T:spec.podTemplate"),
    // zalando/postgres-operator manifests/postgresql.crd.yaml
    (
        "acid.zalan.do",
        "postgresql",
        "I:spec.dockerImage C:spec.sidecars[*] C:spec.initContainers[*] I:spec.connectionPooler.dockerImage",
    ),
    // agones/agones install/helm/agones/templates/crds
    ("agones.dev", "Fleet", "T:spec.template.spec.template"),
    ("agones.dev", "GameServer", "T:spec.template"),
    ("agones.dev", "GameServerSet", "T:spec.template.spec.template"),
    // openkruise/kruise config/crd/bases
    (
        "apps.kruise.io",
        "AdvancedCronJob",
        "T:spec.template.jobTemplate.spec.template T:spec.template.broadcastJobTemplate.spec.template",
    ),
    ("apps.kruise.io", "BroadcastJob", "T:spec.template"),
    ("apps.kruise.io", "CloneSet", "T:spec.template"),
    ("apps.kruise.io", "DaemonSet", "T:spec.template"),
    ("apps.kruise.io", "SidecarSet", "L:spec"),
    ("apps.kruise.io", "StatefulSet", "T:spec.template"),
    // openshift/api apps/v1
    ("apps.openshift.io", "DeploymentConfig", "T:spec.template"),
    // argoproj/argo-workflows manifests/base/crds/full; argoproj/argo-rollouts manifests/crds; argoproj/argo-events
    ("argoproj.io", "ClusterWorkflowTemplate", WORKFLOW),
    ("argoproj.io", "CronWorkflow", CRON_WORKFLOW),
    ("argoproj.io", "EventSource", "C:spec.template.container"),
    ("argoproj.io", "Rollout", "T:spec.template"),
    ("argoproj.io", "Sensor", "C:spec.template.container"),
    ("argoproj.io", "Workflow", WORKFLOW),
    ("argoproj.io", "WorkflowTemplate", WORKFLOW),
    // volcano-sh/volcano config/crd
    ("batch.volcano.sh", "Job", "T:spec.tasks[*].template"),
    // apache/flink-kubernetes-operator helm/flink-kubernetes-operator/crds
    (
        "flink.apache.org",
        "FlinkDeployment",
        "I:spec.image T:spec.podTemplate T:spec.jobManager.podTemplate T:spec.taskManager.podTemplate",
    ),
    // envoyproxy/gateway charts/gateway-helm/crds
    (
        "gateway.envoyproxy.io",
        "EnvoyProxy",
        "C:spec.provider.kubernetes.envoyDeployment.container C:spec.provider.kubernetes.envoyDeployment.initContainers[*] C:spec.provider.kubernetes.envoyDaemonSet.container",
    ),
    // grafana/grafana-operator config/crd/bases
    ("grafana.integreatly.org", "Grafana", "T:spec.deployment.spec.template"),
    // kubernetes-sigs/jobset config/components/crd/bases
    ("jobset.x-k8s.io", "JobSet", "T:spec.replicatedJobs[*].template.spec.template"),
    // strimzi/strimzi-kafka-operator packaging/install/cluster-operator
    (
        "kafka.strimzi.io",
        "Kafka",
        "I:spec.kafka.image I:spec.kafka.brokerRackInitImage I:spec.zookeeper.image I:spec.entityOperator.topicOperator.image I:spec.entityOperator.userOperator.image I:spec.entityOperator.tlsSidecar.image I:spec.cruiseControl.image I:spec.kafkaExporter.image",
    ),
    ("kafka.strimzi.io", "KafkaBridge", "I:spec.image I:spec.clientRackInitImage"),
    ("kafka.strimzi.io", "KafkaConnect", "I:spec.image I:spec.clientRackInitImage"),
    ("kafka.strimzi.io", "KafkaMirrorMaker2", "I:spec.image I:spec.clientRackInitImage"),
    // kedacore/keda config/crd/bases
    ("keda.sh", "ScaledJob", "T:spec.jobTargetRef.template"),
    // kubeflow/training-operator manifests/base/crds; kubeflow/kubeflow components/notebook-controller
    ("kubeflow.org", "JAXJob", "T:spec.jaxReplicaSpecs.*.template"),
    ("kubeflow.org", "MPIJob", "T:spec.mpiReplicaSpecs.*.template"),
    ("kubeflow.org", "Notebook", "T:spec.template"),
    ("kubeflow.org", "PaddleJob", "T:spec.paddleReplicaSpecs.*.template"),
    ("kubeflow.org", "PyTorchJob", "T:spec.pytorchReplicaSpecs.*.template"),
    ("kubeflow.org", "TFJob", "T:spec.tfReplicaSpecs.*.template"),
    ("kubeflow.org", "XGBoostJob", "T:spec.xgbReplicaSpecs.*.template"),
    // kubevirt/api
    ("kubevirt.io", "VirtualMachine", "I:spec.template.spec.volumes[*].containerDisk.image"),
    ("kubevirt.io", "VirtualMachineInstance", "I:spec.volumes[*].containerDisk.image"),
    // kubernetes-sigs/lws config/crd/bases
    (
        "leaderworkerset.x-k8s.io",
        "LeaderWorkerSet",
        "T:spec.leaderWorkerTemplate.leaderTemplate T:spec.leaderWorkerTemplate.workerTemplate",
    ),
    // minio/operator resources/base/crds
    ("minio.min.io", "Tenant", "I:spec.image C:spec.initContainers[*] C:spec.sideCars.containers[*]"),
    // prometheus-operator/prometheus-operator bundle.yaml
    ("monitoring.coreos.com", "Alertmanager", "S:spec I:spec.image"),
    ("monitoring.coreos.com", "Prometheus", "S:spec I:spec.image I:spec.thanos.image"),
    ("monitoring.coreos.com", "PrometheusAgent", "S:spec I:spec.image"),
    ("monitoring.coreos.com", "ThanosRuler", "S:spec I:spec.image"),
    // open-telemetry/opentelemetry-operator config/crd/bases
    (
        "opentelemetry.io",
        "Instrumentation",
        "I:spec.java.image I:spec.nodejs.image I:spec.python.image I:spec.dotnet.image I:spec.go.image I:spec.apacheHttpd.image I:spec.nginx.image",
    ),
    ("opentelemetry.io", "OpAMPBridge", "I:spec.image"),
    (
        "opentelemetry.io",
        "OpenTelemetryCollector",
        "I:spec.image I:spec.targetAllocator.image C:spec.initContainers[*] C:spec.additionalContainers[*]",
    ),
    ("opentelemetry.io", "TargetAllocator", "I:spec.image C:spec.initContainers[*] C:spec.additionalContainers[*]"),
    // operator-framework/api crds
    ("operators.coreos.com", "CatalogSource", "I:spec.image"),
    (
        "operators.coreos.com",
        "ClusterServiceVersion",
        "T:spec.install.spec.deployments[*].spec.template I:spec.relatedImages[*].image",
    ),
    // crossplane/crossplane cluster/crds
    ("pkg.crossplane.io", "Configuration", "I:spec.package"),
    ("pkg.crossplane.io", "DeploymentRuntimeConfig", "T:spec.deploymentTemplate.spec.template"),
    ("pkg.crossplane.io", "Function", "I:spec.package"),
    ("pkg.crossplane.io", "Provider", "I:spec.package"),
    // cloudnative-pg/cloudnative-pg config/crd/bases
    ("postgresql.cnpg.io", "Cluster", "I:spec.imageName"),
    ("postgresql.cnpg.io", "ClusterImageCatalog", "I:spec.images[*].image"),
    ("postgresql.cnpg.io", "ImageCatalog", "I:spec.images[*].image"),
    ("postgresql.cnpg.io", "Pooler", "T:spec.template"),
    // percona/percona-xtradb-cluster-operator deploy/crd.yaml
    (
        "pxc.percona.com",
        "PerconaXtraDBCluster",
        "I:spec.pxc.image I:spec.haproxy.image I:spec.proxysql.image I:spec.backup.image I:spec.pmm.image I:spec.logcollector.image",
    ),
    // rabbitmq/cluster-operator config/crd/bases
    ("rabbitmq.com", "RabbitmqCluster", "I:spec.image T:spec.override.statefulSet.spec.template"),
    // ray-project/kuberay helm-chart/kuberay-operator/crds
    ("ray.io", "RayCluster", "T:spec.headGroupSpec.template T:spec.workerGroupSpecs[*].template"),
    (
        "ray.io",
        "RayJob",
        "T:spec.submitterPodTemplate T:spec.rayClusterSpec.headGroupSpec.template T:spec.rayClusterSpec.workerGroupSpecs[*].template",
    ),
    (
        "ray.io",
        "RayService",
        "T:spec.rayClusterConfig.headGroupSpec.template T:spec.rayClusterConfig.workerGroupSpecs[*].template",
    ),
    // knative/serving config/core/300-resources
    ("serving.knative.dev", "Configuration", "T:spec.template"),
    ("serving.knative.dev", "Revision", "S:spec"),
    ("serving.knative.dev", "Service", "T:spec.template"),
    // kserve/kserve config/crd
    ("serving.kserve.io", "ClusterServingRuntime", "S:spec"),
    (
        "serving.kserve.io",
        "InferenceService",
        "S:spec.predictor S:spec.transformer S:spec.explainer C:spec.predictor.model",
    ),
    ("serving.kserve.io", "ServingRuntime", "S:spec"),
    // knative/eventing config/core/resources
    ("sources.knative.dev", "ContainerSource", "T:spec.template"),
    // kubeflow/spark-operator config/crd/bases
    (
        "sparkoperator.k8s.io",
        "ScheduledSparkApplication",
        "I:spec.template.image C:spec.template.driver C:spec.template.driver.sidecars[*] C:spec.template.driver.initContainers[*] C:spec.template.executor C:spec.template.executor.sidecars[*] C:spec.template.executor.initContainers[*]",
    ),
    (
        "sparkoperator.k8s.io",
        "SparkApplication",
        "I:spec.image C:spec.driver C:spec.driver.sidecars[*] C:spec.driver.initContainers[*] C:spec.executor C:spec.executor.sidecars[*] C:spec.executor.initContainers[*]",
    ),
    // tektoncd/pipeline config/300-crds
    (
        "tekton.dev",
        "Pipeline",
        "C:spec.tasks[*].taskSpec.steps[*] C:spec.tasks[*].taskSpec.sidecars[*] C:spec.finally[*].taskSpec.steps[*]",
    ),
    ("tekton.dev", "StepAction", "I:spec.image"),
    ("tekton.dev", "Task", "C:spec.steps[*] C:spec.sidecars[*] C:spec.stepTemplate"),
    ("tekton.dev", "TaskRun", "C:spec.taskSpec.steps[*] C:spec.taskSpec.sidecars[*]"),
];

const WORKFLOW: &str = "S:spec C:spec.templates[*].container C:spec.templates[*].script C:spec.templates[*].initContainers[*] C:spec.templates[*].sidecars[*] L:spec.templates[*].containerSet C:spec.templateDefaults.container C:spec.templateDefaults.script";
const CRON_WORKFLOW: &str = "S:spec.workflowSpec C:spec.workflowSpec.templates[*].container C:spec.workflowSpec.templates[*].script C:spec.workflowSpec.templates[*].initContainers[*] C:spec.workflowSpec.templates[*].sidecars[*] L:spec.workflowSpec.templates[*].containerSet";
