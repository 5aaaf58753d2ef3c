//! The fields that are names of other objects.
//!
//! `PATH>KIND.GROUP` is a field with the name of such an object; `@KEY` behind it says that this key beside the name
//! has its namespace. `PATH*KIND.GROUP` is a map with `name` that may say `kind`, `apiVersion` (or `apiGroup`, `group`)
//! and `namespace` itself, and means this kind where it does not.

/// Rows for the spec of a pod.
pub(super) const POD: &str = "
    volumes[*].configMap.name>ConfigMap
    volumes[*].secret.secretName>Secret
    volumes[*].projected.sources[*].configMap.name>ConfigMap
    volumes[*].projected.sources[*].secret.name>Secret
    volumes[*].persistentVolumeClaim.claimName>PersistentVolumeClaim
    volumes[*].csi.nodePublishSecretRef.name>Secret
    volumes[*].csi.volumeAttributes.secretProviderClass>SecretProviderClass.secrets-store.csi.x-k8s.io
    volumes[*].azureFile.secretName>Secret
    volumes[*].cephfs.secretRef.name>Secret
    volumes[*].cinder.secretRef.name>Secret
    volumes[*].flexVolume.secretRef.name>Secret
    volumes[*].iscsi.secretRef.name>Secret
    volumes[*].rbd.secretRef.name>Secret
    volumes[*].scaleIO.secretRef.name>Secret
    volumes[*].storageos.secretRef.name>Secret
    imagePullSecrets[*].name>Secret
    serviceAccountName>ServiceAccount
    serviceAccount>ServiceAccount
    priorityClassName>PriorityClass.scheduling.k8s.io
    runtimeClassName>RuntimeClass.node.k8s.io
    resourceClaims[*].resourceClaimName>ResourceClaim.resource.k8s.io
    resourceClaims[*].resourceClaimTemplateName>ResourceClaimTemplate.resource.k8s.io";

/// Rows for a container.
pub(super) const CONTAINER: &str = "
    env[*].valueFrom.configMapKeyRef.name>ConfigMap
    env[*].valueFrom.secretKeyRef.name>Secret
    envFrom[*].configMapRef.name>ConfigMap
    envFrom[*].secretRef.name>Secret";

/// Rows for every object.
pub(super) const ANY: &str = "
    metadata.ownerReferences[*]*";

const BINDING: &str = "roleRef* subjects[*]*";
const WEBHOOKS: &str = "webhooks[*].clientConfig.service.name>Service@namespace";
const ROUTE: &str = "spec.parentRefs[*]*Gateway.gateway.networking.k8s.io spec.rules[*].backendRefs[*]*Service \
    spec.rules[*].filters[*].requestMirror.backendRef*Service";

/// Rows by group and kinds.
pub(super) const OBJECTS: &[(&str, &str, &str)] = &[
    ("", "ServiceAccount", "imagePullSecrets[*].name>Secret secrets[*].name>Secret"),
    (
        "",
        "PersistentVolume",
        "spec.claimRef.name>PersistentVolumeClaim@namespace spec.storageClassName>StorageClass.storage.k8s.io \
         spec.azureFile.secretName>Secret@secretNamespace spec.csi.controllerExpandSecretRef.name>Secret@namespace \
         spec.csi.controllerPublishSecretRef.name>Secret@namespace spec.csi.nodePublishSecretRef.name>Secret@namespace \
         spec.csi.nodeStageSecretRef.name>Secret@namespace",
    ),
    (
        "",
        "PersistentVolumeClaim",
        "spec.volumeName>PersistentVolume spec.storageClassName>StorageClass.storage.k8s.io \
         spec.dataSource*PersistentVolumeClaim spec.dataSourceRef*PersistentVolumeClaim",
    ),
    ("", "Node", "spec.configSource.configMap.name>ConfigMap@namespace"),
    (
        "apps",
        "StatefulSet",
        "spec.serviceName>Service spec.volumeClaimTemplates[*].spec.storageClassName>StorageClass.storage.k8s.io",
    ),
    ("autoscaling", "HorizontalPodAutoscaler", "spec.scaleTargetRef* spec.metrics[*].object.describedObject*"),
    ("autoscaling.k8s.io", "VerticalPodAutoscaler", "spec.targetRef*"),
    (
        "keda.sh",
        "ScaledObject",
        "spec.scaleTargetRef*Deployment.apps \
         spec.triggers[*].authenticationRef*TriggerAuthentication.keda.sh",
    ),
    ("keda.sh", "ScaledJob", "spec.triggers[*].authenticationRef*TriggerAuthentication.keda.sh"),
    (
        "keda.sh",
        "TriggerAuthentication ClusterTriggerAuthentication",
        "spec.secretTargetRef[*].name>Secret spec.configMapTargetRef[*].name>ConfigMap",
    ),
    ("extensions", "Ingress", INGRESS),
    ("networking.k8s.io", "Ingress", INGRESS),
    ("networking.k8s.io", "IngressClass", "spec.parameters*"),
    ("rbac.authorization.k8s.io", "RoleBinding ClusterRoleBinding", BINDING),
    ("apiregistration.k8s.io", "APIService", "spec.service.name>Service@namespace"),
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration MutatingWebhookConfiguration", WEBHOOKS),
    (
        "admissionregistration.k8s.io",
        "ValidatingAdmissionPolicyBinding",
        "spec.policyName>ValidatingAdmissionPolicy.admissionregistration.k8s.io",
    ),
    (
        "admissionregistration.k8s.io",
        "MutatingAdmissionPolicyBinding",
        "spec.policyName>MutatingAdmissionPolicy.admissionregistration.k8s.io",
    ),
    (
        "apiextensions.k8s.io",
        "CustomResourceDefinition",
        "spec.conversion.webhook.clientConfig.service.name>Service@namespace \
         spec.conversion.webhookClientConfig.service.name>Service@namespace",
    ),
    (
        "storage.k8s.io",
        "StorageClass",
        "parameters.secretName>Secret@secretNamespace parameters.adminSecretName>Secret@adminSecretNamespace \
         parameters.userSecretName>Secret@userSecretNamespace parameters.secretRef>Secret",
    ),
    ("gateway.networking.k8s.io", "HTTPRoute GRPCRoute TCPRoute TLSRoute UDPRoute", ROUTE),
    (
        "gateway.networking.k8s.io",
        "Gateway",
        "spec.gatewayClassName>GatewayClass.gateway.networking.k8s.io spec.listeners[*].tls.certificateRefs[*]*Secret",
    ),
    (
        "argoproj.io",
        "Rollout",
        "spec.workloadRef* spec.strategy.canary.canaryService>Service spec.strategy.canary.stableService>Service \
         spec.strategy.blueGreen.activeService>Service spec.strategy.blueGreen.previewService>Service \
         spec.strategy.canary.trafficRouting.nginx.stableIngress>Ingress.networking.k8s.io \
         spec.strategy.canary.trafficRouting.alb.ingress>Ingress.networking.k8s.io",
    ),
    (
        "cert-manager.io",
        "Certificate CertificateRequest",
        "spec.issuerRef*Issuer.cert-manager.io spec.keystores.jks.passwordSecretRef.name>Secret \
         spec.keystores.pkcs12.passwordSecretRef.name>Secret",
    ),
    ("cert-manager.io", "Issuer ClusterIssuer", "spec.ca.secretName>Secret"),
    ("external-secrets.io", "ExternalSecret", "spec.secretStoreRef*SecretStore.external-secrets.io"),
    (
        "monitoring.coreos.com",
        "Prometheus PrometheusAgent",
        "spec.secrets[*]>Secret spec.configMaps[*]>ConfigMap spec.additionalScrapeConfigs.name>Secret \
         spec.alerting.alertmanagers[*].name>Service@namespace spec.serviceName>Service",
    ),
    (
        "monitoring.coreos.com",
        "Alertmanager",
        "spec.secrets[*]>Secret spec.configMaps[*]>ConfigMap spec.configSecret>Secret spec.serviceName>Service",
    ),
    (
        "monitoring.coreos.com",
        "ServiceMonitor",
        "spec.endpoints[*].basicAuth.username.name>Secret spec.endpoints[*].basicAuth.password.name>Secret \
         spec.endpoints[*].bearerTokenSecret.name>Secret spec.endpoints[*].tlsConfig.keySecret.name>Secret \
         spec.endpoints[*].tlsConfig.ca.secret.name>Secret spec.endpoints[*].tlsConfig.ca.configMap.name>ConfigMap \
         spec.endpoints[*].tlsConfig.cert.secret.name>Secret spec.endpoints[*].tlsConfig.cert.configMap.name>ConfigMap",
    ),
    (
        "traefik.io",
        "IngressRoute IngressRouteTCP",
        "spec.routes[*].services[*]*Service spec.routes[*].middlewares[*].name>Middleware.traefik.io@namespace \
         spec.tls.secretName>Secret",
    ),
];

const INGRESS: &str = "spec.rules[*].http.paths[*].backend.service.name>Service \
    spec.rules[*].http.paths[*].backend.serviceName>Service spec.rules[*].http.paths[*].backend.resource* \
    spec.defaultBackend.service.name>Service spec.defaultBackend.resource* spec.backend.serviceName>Service \
    spec.tls[*].secretName>Secret spec.ingressClassName>IngressClass.networking.k8s.io \
    metadata.annotations.ingress\\.kubernetes\\.io/auth-secret>Secret \
    metadata.annotations.nginx\\.ingress\\.kubernetes\\.io/auth-secret>Secret \
    metadata.annotations.nginx\\.ingress\\.kubernetes\\.io/auth-tls-secret>Secret \
    metadata.annotations.nginx\\.ingress\\.kubernetes\\.io/fastcgi-params-configmap>ConfigMap \
    metadata.annotations.cert-manager\\.io/issuer>Issuer.cert-manager.io \
    metadata.annotations.cert-manager\\.io/cluster-issuer>ClusterIssuer.cert-manager.io";

/// What the `resources` of a role are called, and their kinds and groups.
pub(super) const RESOURCES: &[(&str, &str, &str)] = &[
    ("configmaps", "ConfigMap", ""),
    ("secrets", "Secret", ""),
    ("services", "Service", ""),
    ("serviceaccounts", "ServiceAccount", ""),
    ("persistentvolumeclaims", "PersistentVolumeClaim", ""),
    ("persistentvolumes", "PersistentVolume", ""),
    ("deployments", "Deployment", "apps"),
    ("statefulsets", "StatefulSet", "apps"),
    ("daemonsets", "DaemonSet", "apps"),
    ("leases", "Lease", "coordination.k8s.io"),
    ("validatingwebhookconfigurations", "ValidatingWebhookConfiguration", "admissionregistration.k8s.io"),
    ("mutatingwebhookconfigurations", "MutatingWebhookConfiguration", "admissionregistration.k8s.io"),
    ("customresourcedefinitions", "CustomResourceDefinition", "apiextensions.k8s.io"),
];
