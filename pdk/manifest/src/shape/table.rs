//! Which lists and maps of Kubernetes' own kinds merge how. Made by `cargo xtask merge-keys` from the OpenAPI
//! document of k8s.io/kubernetes v1.37.2; a test compares. Do not edit.

/// The kinds of each group, `KIND>SHAPE`. A kind that is not here is a custom resource: the first shape.
#[rustfmt::skip]
pub(super) const KINDS: &[(&str, &str)] = &[
    ("", "Binding>1 ComponentStatus>2 ConfigMap>3 Endpoints>1 Event>1 LimitRange>1 Namespace>4 Node>5 \
     PersistentVolume>6 PersistentVolumeClaim>7 Pod>8 PodTemplate>9 ReplicationController>10 ResourceQuota>1 \
     Secret>11 Service>12 ServiceAccount>13 Status>1"),
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicy>14 MutatingAdmissionPolicyBinding>15 \
     MutatingWebhookConfiguration>16 ValidatingAdmissionPolicy>17 ValidatingAdmissionPolicyBinding>15 \
     ValidatingWebhookConfiguration>16"),
    ("apiextensions.k8s.io", "CustomResourceDefinition>18"),
    ("apiregistration.k8s.io", "APIService>4"),
    ("apps", "ControllerRevision>1 DaemonSet>19 Deployment>19 ReplicaSet>19 StatefulSet>20"),
    ("authentication.k8s.io", "SelfSubjectReview>1 TokenRequest>1 TokenReview>1"),
    ("authorization.k8s.io", "LocalSubjectAccessReview>1 SelfSubjectAccessReview>1 SelfSubjectRulesReview>1 \
     SubjectAccessReview>1"),
    ("autoscaling", "HorizontalPodAutoscaler>21 Scale>1"),
    ("batch", "CronJob>22 Job>23"),
    ("certificates.k8s.io", "CertificateSigningRequest>1 ClusterTrustBundle>1 PodCertificateRequest>24"),
    ("coordination.k8s.io", "Lease>1 LeaseCandidate>1"),
    ("discovery.k8s.io", "EndpointSlice>25"),
    ("events.k8s.io", "Event>1"),
    ("extensions", "DaemonSet>19 Deployment>19 ReplicaSet>19"),
    ("flowcontrol.apiserver.k8s.io", "FlowSchema>4 PriorityLevelConfiguration>4"),
    ("internal.apiserver.k8s.io", "StorageVersion>1"),
    ("lifecycle.k8s.io", "Eviction>26 EvictionRequest>4"),
    ("networking.k8s.io", "IPAddress>1 Ingress>1 IngressClass>1 NetworkPolicy>27 ServiceCIDR>4"),
    ("node.k8s.io", "RuntimeClass>28"),
    ("policy", "Eviction>1 PodDisruptionBudget>29"),
    ("rbac.authorization.k8s.io", "ClusterRole>30 ClusterRoleBinding>1 Role>1 RoleBinding>1"),
    ("resource.k8s.io", "DeviceClass>1 DeviceTaintRule>4 ResourceClaim>31 ResourceClaimTemplate>32 \
     ResourcePoolStatusRequest>4 ResourceSlice>1"),
    ("scheduling.k8s.io", "CompositePodGroup>4 PodGroup>33 PriorityClass>1 Workload>34"),
    ("storage.k8s.io", "CSIDriver>1 CSINode>35 CSIStorageCapacity>36 StorageClass>37 VolumeAttachment>38 \
     VolumeAttributesClass>37"),
    ("storagemigration.k8s.io", "StorageVersionMigration>4"),
];

/// What is below each shape, `KEY[MARK][>SHAPE]`: `:KEY,...` for a list whose items are told apart by these keys, the
/// first of which each item has; `+` for a list that is a set; `=` for a map that is replaced; `"` for a string or a
/// map or list of strings. `*` is any key.
#[rustfmt::skip]
pub(super) const SHAPES: &[&str] = &[
    // 0: custom resource
    "metadata>39",
    // 1: Binding, CSIDriver, CertificateSigningRequest and 28 more
    "metadata>40",
    // 2: ComponentStatus
    "conditions:type metadata>40",
    // 3: ConfigMap
    "binaryData\" data\" metadata>40",
    // 4: APIService, CompositePodGroup, DeviceTaintRule and 7 more
    "metadata>40 status>41",
    // 5: Node
    "metadata>40 spec>42 status>43",
    // 6: PersistentVolume
    "metadata>40 spec>44",
    // 7: PersistentVolumeClaim
    "metadata>40 spec>45 status>46",
    // 8: Pod
    "metadata>40 spec>47 status>48",
    // 9: PodTemplate
    "metadata>40 template>49",
    // 10: ReplicationController
    "metadata>40 spec>50 status>41",
    // 11: Secret
    "data\" metadata>40 stringData\"",
    // 12: Service
    "metadata>40 spec>51 status>41",
    // 13: ServiceAccount
    "metadata>40 secrets:name",
    // 14: MutatingAdmissionPolicy
    "metadata>40 spec>52",
    // 15: MutatingAdmissionPolicyBinding, ValidatingAdmissionPolicyBinding
    "metadata>40 spec>53",
    // 16: MutatingWebhookConfiguration, ValidatingWebhookConfiguration
    "metadata>40 webhooks:name>54",
    // 17: ValidatingAdmissionPolicy
    "metadata>40 spec>55",
    // 18: CustomResourceDefinition
    "metadata>40 spec>56",
    // 19: DaemonSet, Deployment, ReplicaSet
    "metadata>40 spec>57 status>41",
    // 20: StatefulSet
    "metadata>40 spec>58 status>41",
    // 21: HorizontalPodAutoscaler
    "metadata>40 spec>59 status>60",
    // 22: CronJob
    "metadata>40 spec>61",
    // 23: Job
    "metadata>40 spec>62 status>41",
    // 24: PodCertificateRequest
    "metadata>40 spec>63 status>41",
    // 25: EndpointSlice
    "endpoints>64 metadata>40",
    // 26: Eviction
    "metadata>40 status>65",
    // 27: NetworkPolicy
    "metadata>40 spec>66",
    // 28: RuntimeClass
    "metadata>40 scheduling>67",
    // 29: PodDisruptionBudget
    "metadata>40 spec>68 status>41",
    // 30: ClusterRole
    "aggregationRule>69 metadata>40",
    // 31: ResourceClaim
    "metadata>40 status>70",
    // 32: ResourceClaimTemplate
    "metadata>40 spec>1",
    // 33: PodGroup
    "metadata>40 spec>71 status>72",
    // 34: Workload
    "metadata>40 spec>73",
    // 35: CSINode
    "metadata>40 spec>74 status>75",
    // 36: CSIStorageCapacity
    "metadata>40 nodeTopology>76",
    // 37: StorageClass, VolumeAttributesClass
    "metadata>40 parameters\"",
    // 38: VolumeAttachment
    "metadata>40 spec>77 status>78",
    // 39: custom resource's metadata
    "annotations\" labels\"",
    // 40: ObjectMeta
    "annotations\" finalizers+ labels\" ownerReferences:uid",
    // 41: APIServiceStatus, CompositePodGroupStatus, DaemonSetStatus and 16 more
    "conditions:type",
    // 42: NodeSpec
    "podCIDRs+",
    // 43: NodeStatus
    "addresses:type conditions:type",
    // 44: PersistentVolumeSpec
    "csi>79 flexVolume>80",
    // 45: MetricIdentifier, ParamRef, PersistentVolumeClaimSpec
    "selector>76",
    // 46: PersistentVolumeClaimStatus
    "allocatedResourceStatuses\" conditions:type healthStatus>81",
    // 47: PodSpec
    "affinity>82 containers:name>83 ephemeralContainers:name>83 evictionResponders:name hostAliases:ip \
     imagePullSecrets:name initContainers:name>83 nodeSelector\" resourceClaims:name schedulingGates:name \
     topologySpreadConstraints:topologyKey,whenUnsatisfiable>84 volumes:name>85",
    // 48: PodStatus
    "conditions:type containerStatuses>86 ephemeralContainerStatuses>86 hostIPs:ip initContainerStatuses>86 \
     nodeAllocatableResourceClaimStatuses:resourceClaimName>87 podIPs:ip resourceClaimStatuses:name \
     volumeHealth>81",
    // 49: PodTemplateSpec
    "metadata>40 spec>47",
    // 50: ReplicationControllerSpec
    "selector\" template>49",
    // 51: ServiceSpec
    "ports:port,protocol selector\"",
    // 52: MutatingAdmissionPolicySpec
    "matchConditions:name matchConstraints>88",
    // 53: MutatingAdmissionPolicyBindingSpec, ValidatingAdmissionPolicyBindingSpec
    "matchResources>88 paramRef>45",
    // 54: MutatingWebhook, ValidatingWebhook
    "matchConditions:name namespaceSelector>76 objectSelector>76",
    // 55: ValidatingAdmissionPolicySpec
    "matchConditions:name matchConstraints>88 variables:name",
    // 56: CustomResourceDefinitionSpec
    "versions>89",
    // 57: DaemonSetSpec, DeploymentSpec, ReplicaSetSpec
    "selector>76 template>49",
    // 58: StatefulSetSpec
    "selector>76 template>49 volumeClaimTemplates>7",
    // 59: HorizontalPodAutoscalerSpec
    "metrics>90",
    // 60: HorizontalPodAutoscalerStatus
    "conditions:type currentMetrics>90",
    // 61: CronJobSpec
    "jobTemplate>91",
    // 62: JobSpec
    "scheduling>71 selector>76 template>49",
    // 63: PodCertificateRequestSpec
    "unverifiedUserAnnotations\"",
    // 64: Endpoint
    "deprecatedTopology\"",
    // 65: EvictionStatus
    "conditions:type requesters:name responders:name targetResponders:name",
    // 66: NetworkPolicySpec
    "egress>92 ingress>93 podSelector>76",
    // 67: Scheduling
    "nodeSelector\"",
    // 68: PodDisruptionBudgetSpec
    "selector=>76",
    // 69: AggregationRule
    "clusterRoleSelectors>76",
    // 70: ResourceClaimStatus
    "reservedFor:uid",
    // 71: JobSchedulingConfiguration, PodGroupSpec, PodGroupTemplate
    "resourceClaims:name",
    // 72: PodGroupStatus
    "conditions:type resourceClaimStatuses:name",
    // 73: CompositePodGroupTemplate, WorkloadSpec
    "compositePodGroupTemplates>73 podGroupTemplates>71",
    // 74: CSINodeSpec
    "drivers:name",
    // 75: CSINodeStatus
    "storageHealth:name",
    // 76: LabelSelector
    "matchLabels\"",
    // 77: VolumeAttachmentSpec
    "source>94",
    // 78: VolumeAttachmentStatus
    "attachmentMetadata\"",
    // 79: CSIPersistentVolumeSource, CSIVolumeSource
    "volumeAttributes\"",
    // 80: FlexPersistentVolumeSource, FlexVolumeSource
    "options\"",
    // 81: PodVolumeHealth, VolumeHealthStatus
    "healthConditions:status,reason",
    // 82: Affinity
    "podAffinity>95 podAntiAffinity>95",
    // 83: Container, EphemeralContainer
    "args\" command\" env:name>96 ports:containerPort,protocol volumeDevices:devicePath \
     volumeMounts:mountPath",
    // 84: ClusterTrustBundleProjection, TopologySpreadConstraint
    "labelSelector>76",
    // 85: Volume
    "csi>79 ephemeral>97 flexVolume>80 projected>98",
    // 86: ContainerStatus
    "allocatedResourcesStatus:name volumeMounts:mountPath",
    // 87: NodeAllocatableResourceClaimStatus
    "mapping:name overhead:name",
    // 88: MatchResources
    "namespaceSelector>76 objectSelector>76",
    // 89: CustomResourceDefinitionVersion
    "schema>99",
    // 90: MetricSpec, MetricStatus
    "external>100 object>100 pods>100",
    // 91: JobTemplateSpec
    "metadata>40 spec>62",
    // 92: NetworkPolicyEgressRule
    "to>101",
    // 93: NetworkPolicyIngressRule
    "from>101",
    // 94: VolumeAttachmentSource
    "inlineVolumeSpec>44",
    // 95: PodAffinity, PodAntiAffinity
    "preferredDuringSchedulingIgnoredDuringExecution>102 requiredDuringSchedulingIgnoredDuringExecution>103",
    // 96: EnvVar
    "value\"",
    // 97: EphemeralVolumeSource
    "volumeClaimTemplate>104",
    // 98: ProjectedVolumeSource
    "sources>105",
    // 99: CustomResourceValidation
    "openAPIV3Schema>106",
    // 100: ExternalMetricSource, ExternalMetricStatus, ObjectMetricSource and 3 more
    "metric>45",
    // 101: NetworkPolicyPeer
    "namespaceSelector>76 podSelector>76",
    // 102: WeightedPodAffinityTerm
    "podAffinityTerm>103",
    // 103: PodAffinityTerm
    "labelSelector>76 namespaceSelector>76",
    // 104: PersistentVolumeClaimTemplate
    "metadata>40 spec>45",
    // 105: VolumeProjection
    "clusterTrustBundle>84 podCertificate>107",
    // 106: JSONSchemaProps
    "allOf>106 anyOf>106 definitions>108 not>106 oneOf>106 patternProperties>108 properties>108 \
     x-kubernetes-validations:rule",
    // 107: PodCertificateProjection
    "userAnnotations\"",
    // 108: definitions, patternProperties, properties
    "*>106",
];
