//! What types the fields of Kubernetes' own kinds have. Made by `cargo xtask merge-keys` from the OpenAPI document
//! of k8s.io/kubernetes v1.37.2; a test compares. Do not edit.

/// The kinds of each group, `KIND/VERSION=ROW,VERSION=ROW`. What is not here is a custom resource: the first row.
#[rustfmt::skip]
pub(super) const KINDS: &[(&str, &str)] = &[
    ("", "Binding/v1=1 ComponentStatus/v1=2 ConfigMap/v1=3 Endpoints/v1=4 Event/v1=5 LimitRange/v1=6 \
     Namespace/v1=7 Node/v1=8 PersistentVolume/v1=9 PersistentVolumeClaim/v1=10 Pod/v1=11 PodTemplate/v1=12 \
     ReplicationController/v1=13 ResourceQuota/v1=14 Secret/v1=15 Service/v1=16 ServiceAccount/v1=17 \
     Status/v1=18"),
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicy/v1=19,v1alpha1=19,v1beta1=19 \
     MutatingAdmissionPolicyBinding/v1=20,v1alpha1=20,v1beta1=20 MutatingWebhookConfiguration/v1=21 \
     ValidatingAdmissionPolicy/v1=22 ValidatingAdmissionPolicyBinding/v1=23 \
     ValidatingWebhookConfiguration/v1=24"),
    ("apiextensions.k8s.io", "CustomResourceDefinition/v1=25"),
    ("apiregistration.k8s.io", "APIService/v1=26"),
    ("apps", "ControllerRevision/v1=27 DaemonSet/v1=28 Deployment/v1=29 ReplicaSet/v1=30 StatefulSet/v1=31"),
    ("authentication.k8s.io", "SelfSubjectReview/v1=32 TokenRequest/v1=33 TokenReview/v1=34"),
    ("authorization.k8s.io", "LocalSubjectAccessReview/v1=35 SelfSubjectAccessReview/v1=36 \
     SelfSubjectRulesReview/v1=37 SubjectAccessReview/v1=35"),
    ("autoscaling", "HorizontalPodAutoscaler/v1=38,v2=39 Scale/v1=40"),
    ("batch", "CronJob/v1=41 Job/v1=42"),
    ("certificates.k8s.io", "CertificateSigningRequest/v1=43 ClusterTrustBundle/v1=44,v1beta1=44 \
     PodCertificateRequest/v1=45,v1beta1=46"),
    ("coordination.k8s.io", "Lease/v1=47 LeaseCandidate/v1alpha2=48,v1beta1=48"),
    ("discovery.k8s.io", "EndpointSlice/v1=49"),
    ("events.k8s.io", "Event/v1=50"),
    ("flowcontrol.apiserver.k8s.io", "FlowSchema/v1=51 PriorityLevelConfiguration/v1=52"),
    ("internal.apiserver.k8s.io", "StorageVersion/v1alpha1=53"),
    ("lifecycle.k8s.io", "Eviction/v1alpha1=54 EvictionRequest/v1alpha1=55"),
    ("networking.k8s.io", "IPAddress/v1=56 Ingress/v1=57 IngressClass/v1=58 NetworkPolicy/v1=59 \
     ServiceCIDR/v1=60"),
    ("node.k8s.io", "RuntimeClass/v1=61"),
    ("policy", "Eviction/v1=62 PodDisruptionBudget/v1=63"),
    ("rbac.authorization.k8s.io", "ClusterRole/v1=64 ClusterRoleBinding/v1=65 Role/v1=66 RoleBinding/v1=65"),
    ("resource.k8s.io", "DeviceClass/v1=67,v1beta1=67,v1beta2=67 \
     DeviceTaintRule/v1=68,v1alpha3=68,v1beta2=68 ResourceClaim/v1=69,v1beta1=70,v1beta2=69 \
     ResourceClaimTemplate/v1=71,v1beta1=72,v1beta2=71 ResourcePoolStatusRequest/v1alpha3=73 \
     ResourceSlice/v1=74,v1beta1=75,v1beta2=74"),
    ("scheduling.k8s.io", "CompositePodGroup/v1alpha3=76 PodGroup/v1alpha3=77,v1beta1=77 PriorityClass/v1=78 \
     Workload/v1alpha3=79,v1beta1=79"),
    ("storage.k8s.io", "CSIDriver/v1=80 CSINode/v1=81 CSIStorageCapacity/v1=82 StorageClass/v1=83 \
     VolumeAttachment/v1=84 VolumeAttributesClass/v1=85"),
    ("storagemigration.k8s.io", "StorageVersionMigration/v1=86,v1beta1=86"),
];

/// The fields of each row, `TYPE=KEY,KEY`. A type is `s` a string, `i` an integer, `n` a number, `b` a boolean, `q` a
/// string or a number, `?` anything, or a row; `{` a map of what follows, `[` a list of it, `+` a set, `:KEYS[` a list
/// whose items are told apart by these keys.
#[rustfmt::skip]
pub(super) const ROWS: &[&str] = &[
    "87=metadata s=apiVersion,kind",
    "87=metadata 88=target s=apiVersion,kind",
    "87=metadata :type[89=conditions s=apiVersion,kind",
    "87=metadata b=immutable s=apiVersion,kind {s=binaryData,data",
    "87=metadata [90=subsets s=apiVersion,kind",
    "87=metadata 88=involvedObject,related 91=series 92=source i=count \
     s=action,apiVersion,eventTime,firstTimestamp s=kind,lastTimestamp,message,reason \
     s=reportingComponent,reportingInstance,type",
    "87=metadata 93=spec s=apiVersion,kind",
    "87=metadata 94=spec 95=status s=apiVersion,kind",
    "87=metadata 96=spec 97=status s=apiVersion,kind",
    "87=metadata 98=spec 99=status s=apiVersion,kind",
    "100=spec 101=status 87=metadata s=apiVersion,kind",
    "102=spec 103=status 87=metadata s=apiVersion,kind",
    "104=template 87=metadata s=apiVersion,kind",
    "105=spec 106=status 87=metadata s=apiVersion,kind",
    "107=spec 108=status 87=metadata s=apiVersion,kind",
    "87=metadata b=immutable s=apiVersion,kind,type {s=data,stringData",
    "109=spec 110=status 87=metadata s=apiVersion,kind",
    "87=metadata :name[88=secrets [111=imagePullSecrets b=automountServiceAccountToken s=apiVersion,kind",
    "112=details 113=metadata i=code s=apiVersion,kind,message,reason s=status",
    "114=spec 87=metadata s=apiVersion,kind",
    "115=spec 87=metadata s=apiVersion,kind",
    "87=metadata :name[116=webhooks s=apiVersion,kind",
    "117=spec 118=status 87=metadata s=apiVersion,kind",
    "119=spec 87=metadata s=apiVersion,kind",
    "87=metadata :name[120=webhooks s=apiVersion,kind",
    "121=spec 122=status 87=metadata s=apiVersion,kind",
    "123=spec 124=status 87=metadata s=apiVersion,kind",
    "87=metadata ?=data i=revision s=apiVersion,kind",
    "125=spec 126=status 87=metadata s=apiVersion,kind",
    "127=spec 128=status 87=metadata s=apiVersion,kind",
    "129=spec 130=status 87=metadata s=apiVersion,kind",
    "131=spec 132=status 87=metadata s=apiVersion,kind",
    "133=status 87=metadata s=apiVersion,kind",
    "134=spec 135=status 87=metadata s=apiVersion,kind",
    "136=spec 137=status 87=metadata s=apiVersion,kind",
    "138=spec 139=status 87=metadata s=apiVersion,kind",
    "139=status 140=spec 87=metadata s=apiVersion,kind",
    "141=spec 142=status 87=metadata s=apiVersion,kind",
    "143=spec 144=status 87=metadata s=apiVersion,kind",
    "145=spec 146=status 87=metadata s=apiVersion,kind",
    "147=spec 148=status 87=metadata s=apiVersion,kind",
    "149=spec 150=status 87=metadata s=apiVersion,kind",
    "151=spec 152=status 87=metadata s=apiVersion,kind",
    "153=spec 154=status 87=metadata s=apiVersion,kind",
    "155=spec 87=metadata s=apiVersion,kind",
    "156=spec 157=status 87=metadata s=apiVersion,kind",
    "157=status 158=spec 87=metadata s=apiVersion,kind",
    "159=spec 87=metadata s=apiVersion,kind",
    "160=spec 87=metadata s=apiVersion,kind",
    "87=metadata [161=endpoints [162=ports s=addressType,apiVersion,kind",
    "87=metadata 88=regarding,related 91=series 92=deprecatedSource i=deprecatedCount \
     s=action,apiVersion,deprecatedFirstTimestamp,deprecatedLastTimestamp s=eventTime,kind,note,reason \
     s=reportingController,reportingInstance,type",
    "124=status 163=spec 87=metadata s=apiVersion,kind",
    "124=status 164=spec 87=metadata s=apiVersion,kind",
    "165=spec 166=status 87=metadata s=apiVersion,kind",
    "167=spec 168=status 87=metadata s=apiVersion,kind",
    "169=spec 170=status 87=metadata s=apiVersion,kind",
    "171=spec 87=metadata s=apiVersion,kind",
    "172=spec 173=status 87=metadata s=apiVersion,kind",
    "174=spec 87=metadata s=apiVersion,kind",
    "175=spec 87=metadata s=apiVersion,kind",
    "176=spec 177=status 87=metadata s=apiVersion,kind",
    "178=overhead 179=scheduling 87=metadata s=apiVersion,handler,kind",
    "180=deleteOptions 87=metadata s=apiVersion,kind",
    "181=spec 182=status 87=metadata s=apiVersion,kind",
    "183=aggregationRule 87=metadata [184=rules s=apiVersion,kind",
    "185=roleRef 87=metadata [186=subjects s=apiVersion,kind",
    "87=metadata [184=rules s=apiVersion,kind",
    "187=spec 87=metadata s=apiVersion,kind",
    "177=status 188=spec 87=metadata s=apiVersion,kind",
    "189=spec 190=status 87=metadata s=apiVersion,kind",
    "190=status 191=spec 87=metadata s=apiVersion,kind",
    "192=spec 87=metadata s=apiVersion,kind",
    "193=spec 87=metadata s=apiVersion,kind",
    "194=spec 195=status 87=metadata s=apiVersion,kind",
    "196=spec 87=metadata s=apiVersion,kind",
    "197=spec 87=metadata s=apiVersion,kind",
    "177=status 198=spec 87=metadata s=apiVersion,kind",
    "199=spec 200=status 87=metadata s=apiVersion,kind",
    "87=metadata b=globalDefault i=value s=apiVersion,description,kind,preemptionPolicy",
    "201=spec 87=metadata s=apiVersion,kind",
    "202=spec 87=metadata s=apiVersion,kind",
    "203=spec 204=status 87=metadata s=apiVersion,kind",
    "205=nodeTopology 87=metadata q=capacity,maximumVolumeSize s=apiVersion,kind,storageClassName",
    "87=metadata [206=allowedTopologies [s=mountOptions b=allowVolumeExpansion \
     s=apiVersion,kind,provisioner,reclaimPolicy s=volumeBindingMode {s=parameters",
    "207=spec 208=status 87=metadata s=apiVersion,kind",
    "87=metadata s=apiVersion,driverName,kind {s=parameters",
    "209=spec 210=status 87=metadata s=apiVersion,kind",
    "+s=finalizers :uid[211=ownerReferences ?=managedFields i=deletionGracePeriodSeconds,generation \
     s=creationTimestamp,deletionTimestamp,generateName,name s=namespace,resourceVersion,selfLink,uid \
     {s=annotations,labels",
    "s=apiVersion,fieldPath,kind,name s=namespace,resourceVersion,uid",
    "s=error,message,status,type",
    "[162=ports [212=addresses,notReadyAddresses",
    "i=count s=lastObservedTime",
    "s=component,host",
    "[213=limits",
    "[s=finalizers",
    ":type[214=conditions s=phase",
    "+s=podCIDRs 215=configSource 216=podPreemptionPolicy [217=taints b=unschedulable \
     s=externalID,podCIDR,providerID",
    "220=config 221=daemonEndpoints 222=features 224=nodeInfo :type[218=addresses :type[219=conditions \
     [223=images [225=runtimeHandlers [226=volumesAttached [s=declaredFeatures,volumesInUse s=phase \
     {q=allocatable,capacity",
    "227=awsElasticBlockStore 228=azureDisk 229=azureFile 230=cephfs 231=cinder 232=csi 233=fc \
     234=flexVolume 235=flocker 236=gcePersistentDisk 237=glusterfs 238=hostPath 239=iscsi 240=local 241=nfs \
     242=nodeAffinity 243=photonPersistentDisk 244=portworxVolume 245=quobyte 246=rbd 247=scaleIO \
     248=storageos 249=vsphereVolume 88=claimRef [s=accessModes,mountOptions \
     s=persistentVolumeReclaimPolicy,storageClassName,volumeAttributesClassName,volumeMode {q=capacity",
    "s=lastPhaseTransitionTime,message,phase,reason",
    "185=dataSource 186=dataSourceRef 205=selector 250=resources [s=accessModes \
     s=storageClassName,volumeAttributesClassName,volumeMode,volumeName",
    "252=healthStatus 253=modifyVolumeStatus :type[251=conditions [s=accessModes \
     s=currentVolumeAttributesClassName,phase {q=allocatedResources,capacity {s=allocatedResourceStatuses",
    "111=os 254=affinity 256=dnsConfig 262=resources 263=schedulingGroup 264=securityContext \
     :ip[259=hostAliases :name[111=imagePullSecrets,schedulingGates :name[255=containers,initContainers \
     :name[257=ephemeralContainers :name[258=evictionResponders :name[261=resourceClaims :name[267=volumes \
     :topologyKey,whenUnsatisfiable[266=topologySpreadConstraints [260=readinessGates [265=tolerations \
     b=automountServiceAccountToken,enableServiceLinks,hostIPC,hostNetwork \
     b=hostPID,hostUsers,setHostnameAsFQDN,shareProcessNamespace \
     i=activeDeadlineSeconds,priority,terminationGracePeriodSeconds \
     s=dnsPolicy,hostname,hostnameOverride,nodeName \
     s=preemptionPolicy,priorityClassName,restartPolicy,runtimeClassName \
     s=schedulerName,serviceAccount,serviceAccountName,subdomain {q=overhead {s=nodeSelector",
    "262=resources 270=extendedResourceClaimStatus :ip[271=podIPs :name[273=resourceClaimStatuses \
     :name[274=volumeHealth :resourceClaimName[272=nodeAllocatableResourceClaimStatuses :type[268=conditions \
     [269=containerStatuses,ephemeralContainerStatuses,initContainerStatuses [271=hostIPs \
     i=observedGeneration s=hostIP,message,nominatedNodeName,phase s=podIP,qosClass,reason,resize \
     s=startTime {q=allocatedResources",
    "102=spec 87=metadata",
    "104=template i=minReadySeconds,replicas {s=selector",
    ":type[214=conditions i=availableReplicas,fullyLabeledReplicas,observedGeneration,readyReplicas \
     i=replicas",
    "275=scopeSelector [s=scopes {q=hard",
    "{q=hard,used",
    "277=sessionAffinityConfig :port,protocol[276=ports \
     [s=clusterIPs,externalIPs,ipFamilies,loadBalancerSourceRanges \
     b=allocateLoadBalancerNodePorts,publishNotReadyAddresses i=healthCheckNodePort \
     s=clusterIP,externalName,externalTrafficPolicy,internalTrafficPolicy \
     s=ipFamilyPolicy,loadBalancerClass,loadBalancerIP,sessionAffinity s=trafficDistribution,type \
     {s=selector",
    "279=loadBalancer :type[278=conditions",
    "s=name",
    "[280=causes i=retryAfterSeconds s=group,kind,name,uid",
    "281=shardInfo i=remainingItemCount s=continue,resourceVersion,selfLink",
    "283=matchConstraints 285=paramKind :name[282=matchConditions [282=variables [284=mutations \
     s=failurePolicy,reinvocationPolicy",
    "283=matchResources 286=paramRef s=policyName",
    "205=namespaceSelector,objectSelector 287=clientConfig :name[282=matchConditions [288=rules \
     [s=admissionReviewVersions i=timeoutSeconds s=failurePolicy,matchPolicy,name,reinvocationPolicy \
     s=sideEffects",
    "283=matchConstraints 285=paramKind :name[282=matchConditions,variables [289=auditAnnotations \
     [290=validations s=failurePolicy",
    "291=typeChecking :type[278=conditions i=observedGeneration",
    "+s=validationActions 283=matchResources 286=paramRef s=policyName",
    "205=namespaceSelector,objectSelector 287=clientConfig :name[282=matchConditions [288=rules \
     [s=admissionReviewVersions i=timeoutSeconds s=failurePolicy,matchPolicy,name,sideEffects",
    "292=conversion 293=names [294=versions b=preserveUnknownFields s=group,scope",
    "293=acceptedNames :type[278=conditions [s=storedVersions i=observedGeneration",
    "295=service b=insecureSkipTLSVerify i=groupPriorityMinimum,versionPriority s=caBundle,group,version",
    ":type[214=conditions",
    "104=template 205=selector 296=updateStrategy i=minReadySeconds,revisionHistoryLimit",
    ":type[214=conditions i=collisionCount,currentNumberScheduled,desiredNumberScheduled,numberAvailable \
     i=numberMisscheduled,numberReady,numberUnavailable,observedGeneration i=updatedNumberScheduled",
    "104=template 205=selector 296=strategy b=paused \
     i=minReadySeconds,progressDeadlineSeconds,replicas,revisionHistoryLimit",
    ":type[297=conditions i=availableReplicas,collisionCount,observedGeneration,readyReplicas \
     i=replicas,terminatingReplicas,unavailableReplicas,updatedReplicas",
    "104=template 205=selector i=minReadySeconds,replicas",
    ":type[214=conditions i=availableReplicas,fullyLabeledReplicas,observedGeneration,readyReplicas \
     i=replicas,terminatingReplicas",
    "104=template 205=selector 298=ordinals 299=persistentVolumeClaimRetentionPolicy 300=updateStrategy \
     [10=volumeClaimTemplates i=minReadySeconds,replicas,revisionHistoryLimit \
     s=podManagementPolicy,serviceName",
    ":type[214=conditions i=availableReplicas,collisionCount,currentReplicas,observedGeneration \
     i=readyReplicas,replicas,updatedReplicas s=currentRevision,updateRevision",
    "301=userInfo",
    "302=boundObjectRef [s=audiences i=expirationSeconds {[s=attestations",
    "s=expirationTimestamp,token",
    "[s=audiences s=token",
    "301=user [s=audiences b=authenticated s=error",
    "303=nonResourceAttributes 304=resourceAttributes [s=groups s=uid,user {[s=extra",
    "b=allowed,denied s=evaluationError,reason",
    "303=nonResourceAttributes 304=resourceAttributes",
    "s=namespace",
    "[305=nonResourceRules [306=resourceRules b=incomplete s=evaluationError",
    "307=scaleTargetRef i=maxReplicas,minReplicas,targetCPUUtilizationPercentage",
    "i=currentCPUUtilizationPercentage,currentReplicas,desiredReplicas,observedGeneration s=lastScaleTime",
    "307=scaleTargetRef 308=behavior [309=metrics i=maxReplicas,minReplicas",
    ":type[278=conditions [310=currentMetrics i=currentReplicas,desiredReplicas,observedGeneration \
     s=lastScaleTime",
    "i=replicas",
    "i=replicas s=selector",
    "311=jobTemplate b=suspend i=failedJobsHistoryLimit,startingDeadlineSeconds,successfulJobsHistoryLimit \
     s=concurrencyPolicy,schedule,timeZone",
    "[88=active s=lastScheduleTime,lastSuccessfulTime",
    "104=template 205=selector 312=podFailurePolicy 313=scheduling 314=successPolicy \
     b=manualSelector,suspend i=activeDeadlineSeconds,backoffLimit,backoffLimitPerIndex,completions \
     i=maxFailedIndexes,parallelism,ttlSecondsAfterFinished s=completionMode,managedBy,podReplacementPolicy",
    "315=uncountedTerminatedPods [251=conditions i=active,failed,ready,succeeded i=terminating \
     s=completedIndexes,completionTime,failedIndexes,startTime",
    "[s=groups,usages i=expirationSeconds s=request,signerName,uid,username {[s=extra",
    ":type[297=conditions s=certificate",
    "s=signerName,trustBundle",
    "i=maxExpirationSeconds s=nodeName,nodeUID,podName,podUID \
     s=serviceAccountName,serviceAccountUID,signerName,stubPKCS10Request {s=unverifiedUserAnnotations",
    ":type[278=conditions s=beginRefreshAt,certificateChain,notAfter,notBefore",
    "i=maxExpirationSeconds s=nodeName,nodeUID,pkixPublicKey,podName \
     s=podUID,proofOfPossession,serviceAccountName,serviceAccountUID s=signerName,stubPKCS10Request \
     {s=unverifiedUserAnnotations",
    "i=leaseDurationSeconds,leaseTransitions s=acquireTime,holderIdentity,preferredHolder,renewTime \
     s=strategy",
    "s=binaryVersion,emulationVersion,leaseName,pingTime s=renewTime,strategy",
    "+s=addresses 316=conditions 317=hints 88=targetRef s=hostname,nodeName,zone {s=deprecatedTopology",
    "i=port s=appProtocol,name,protocol",
    "111=priorityLevelConfiguration 318=distinguisherMethod [319=rules i=matchingPrecedence",
    "320=exempt 321=limited s=type",
    "",
    ":apiServerID[322=storageVersions :type[278=conditions s=commonEncodingVersion",
    "323=target",
    ":name[324=requesters :name[325=responders :name[326=targetResponders :type[278=conditions \
     i=observedGeneration",
    "323=target s=intent,requester",
    ":type[278=conditions i=observedGeneration",
    "327=parentRef",
    "328=defaultBackend [329=rules [330=tls s=ingressClassName",
    "331=loadBalancer",
    "332=parameters s=controller",
    "205=podSelector [333=egress [334=ingress [s=policyTypes",
    "[s=cidrs",
    ":type[278=conditions",
    "{q=podFixed",
    "[265=tolerations {s=nodeSelector",
    "335=preconditions [s=dryRun b=ignoreStoreReadErrorWithClusterBreakingPotential,orphanDependents \
     i=gracePeriodSeconds s=apiVersion,kind,propagationPolicy",
    "205=selector q=maxUnavailable,minAvailable s=unhealthyPodEvictionPolicy",
    ":type[278=conditions i=currentHealthy,desiredHealthy,disruptionsAllowed,expectedPods \
     i=observedGeneration {s=disruptedPods",
    "[205=clusterRoleSelectors",
    "[s=apiGroups,nonResourceURLs,resourceNames,resources [s=verbs",
    "s=apiGroup,kind,name",
    "s=apiGroup,kind,name,namespace",
    "[336=config [337=selectors s=extendedResourceName",
    "217=taint 338=deviceSelector",
    "339=devices",
    "340=allocation :driver,device,pool,shareID[341=devices :uid[342=reservedFor",
    "343=devices",
    "189=spec 87=metadata",
    "191=spec 87=metadata",
    "i=limit s=defaultPartitionTypeAttribute,driver,poolName",
    ":type[278=conditions [344=pools i=poolCount",
    "+s=skipNodeOperations 346=nodeSelector 347=pool [345=devices [348=sharedCounters \
     b=allNodes,perDeviceNodeSelection s=driver,nodeName,partitionTypeAttribute",
    "+s=skipNodeOperations 346=nodeSelector 347=pool [348=sharedCounters [349=devices \
     b=allNodes,perDeviceNodeSelection s=driver,nodeName,partitionTypeAttribute",
    "350=disruptionMode 351=schedulingConstraints 352=schedulingPolicy 353=workloadRef i=priority \
     s=parentCompositePodGroupName,preemptionPolicy,priorityClassName",
    "350=disruptionMode 351=schedulingConstraints 353=workloadRef 354=schedulingPolicy \
     :name[261=resourceClaims i=priority s=parentCompositePodGroupName,preemptionPolicy,priorityClassName",
    ":name[273=resourceClaimStatuses :type[278=conditions",
    "185=controllerRef :name[355=compositePodGroupTemplates :name[356=podGroupTemplates",
    "+s=volumeLifecycleModes [357=tokenRequests \
     b=attachRequired,podInfoOnMount,preventPodSchedulingIfMissing,requiresRepublish \
     b=seLinuxMount,serviceAccountTokenInSecrets,storageCapacity i=nodeAllocatableUpdatePeriodSeconds \
     s=fsGroupPolicy",
    ":name[358=drivers",
    ":name[359=storageHealth",
    "[360=matchExpressions {s=matchLabels",
    "[361=matchLabelExpressions",
    "362=source s=attacher,nodeName",
    "363=attachError,detachError b=attached {s=attachmentMetadata",
    "364=resource",
    ":type[278=conditions s=resourceVersion",
    "b=blockOwnerDeletion,controller s=apiVersion,kind,name,uid",
    "88=targetRef s=hostname,ip,nodeName",
    "s=type {q=default,defaultRequest,max,maxLimitRequestRatio {q=min",
    "s=lastTransitionTime,message,reason,status s=type",
    "365=configMap",
    "+s=disableResizePreemption",
    "s=effect,key,timeAdded,value",
    "s=address,type",
    "s=lastHeartbeatTime,lastTransitionTime,message,reason s=status,type",
    "215=active,assigned,lastKnownGood s=error",
    "366=kubeletEndpoint",
    "b=supplementalGroupsPolicy",
    "[s=names i=sizeBytes",
    "367=swap b=runningInUserNamespace s=architecture,bootID,containerRuntimeVersion,kernelVersion \
     s=kubeProxyVersion,kubeletVersion,machineID,operatingSystem s=osImage,systemUUID",
    "368=features s=name",
    "s=devicePath,name",
    "b=readOnly i=partition s=fsType,volumeID",
    "b=readOnly s=cachingMode,diskName,diskURI,fsType s=kind",
    "b=readOnly s=secretName,secretNamespace,shareName",
    "369=secretRef [s=monitors b=readOnly s=path,secretFile,user",
    "369=secretRef b=readOnly s=fsType,volumeID",
    "369=controllerExpandSecretRef,controllerPublishSecretRef,nodeExpandSecretRef,nodePublishSecretRef \
     369=nodeStageSecretRef b=readOnly s=driver,fsType,volumeHandle {s=volumeAttributes",
    "[s=targetWWNs,wwids b=readOnly i=lun s=fsType",
    "369=secretRef b=readOnly s=driver,fsType {s=options",
    "s=datasetName,datasetUUID",
    "b=readOnly i=partition s=fsType,pdName",
    "b=readOnly s=endpoints,endpointsNamespace,path",
    "s=path,type",
    "369=secretRef [s=portals b=chapAuthDiscovery,chapAuthSession,readOnly i=lun \
     s=fsType,initiatorName,iqn,iscsiInterface s=targetPortal",
    "s=fsType,path",
    "b=readOnly s=path,server",
    "346=required",
    "s=fsType,pdID",
    "b=readOnly s=fsType,volumeID",
    "b=readOnly s=group,registry,tenant,user s=volume",
    "369=secretRef [s=monitors b=readOnly s=fsType,image,keyring,pool s=user",
    "369=secretRef b=readOnly,sslEnabled s=fsType,gateway,protectionDomain,storageMode \
     s=storagePool,system,volumeName",
    "88=secretRef b=readOnly s=fsType,volumeName,volumeNamespace",
    "s=fsType,storagePolicyID,storagePolicyName,volumePath",
    "{q=limits,requests",
    "s=lastProbeTime,lastTransitionTime,message,reason s=status,type",
    ":status,reason[370=healthConditions s=lastTransitionTime",
    "s=status,targetVolumeAttributesClassName",
    "371=nodeAffinity 372=podAffinity,podAntiAffinity",
    "262=resources 375=lifecycle 376=livenessProbe,readinessProbe,startupProbe 380=securityContext \
     :containerPort,protocol[377=ports :devicePath[226=volumeDevices :mountPath[381=volumeMounts \
     :name[373=env [374=envFrom [378=resizePolicy [379=restartPolicyRules [s=args,command \
     b=stdin,stdinOnce,tty s=image,imagePullPolicy,name,restartPolicy \
     s=terminationMessagePath,terminationMessagePolicy,workingDir",
    "[382=options [s=nameservers,searches",
    "262=resources 375=lifecycle 376=livenessProbe,readinessProbe,startupProbe 380=securityContext \
     :containerPort,protocol[377=ports :devicePath[226=volumeDevices :mountPath[381=volumeMounts \
     :name[373=env [374=envFrom [378=resizePolicy [379=restartPolicyRules [s=args,command \
     b=stdin,stdinOnce,tty s=image,imagePullPolicy,name,restartPolicy \
     s=targetContainerName,terminationMessagePath,terminationMessagePolicy,workingDir",
    "i=priority s=name",
    "[s=hostnames s=ip",
    "s=conditionType",
    "s=name,resourceClaimName,resourceClaimTemplateName",
    ":name[383=claims {q=limits,requests",
    "s=podGroupName",
    "384=appArmorProfile,seccompProfile 385=seLinuxOptions 386=windowsOptions [382=sysctls \
     [i=supplementalGroups b=runAsNonRoot i=fsGroup,runAsGroup,runAsUser \
     s=fsGroupChangePolicy,seLinuxChangePolicy,supplementalGroupsPolicy",
    "i=tolerationSeconds s=effect,key,operator,value",
    "205=labelSelector [s=matchLabelKeys i=maxSkew,minDomains \
     s=nodeAffinityPolicy,nodeTaintsPolicy,topologyKey,whenUnsatisfiable",
    "227=awsElasticBlockStore 228=azureDisk 233=fc 235=flocker 236=gcePersistentDisk 238=hostPath 241=nfs \
     243=photonPersistentDisk 244=portworxVolume 245=quobyte 249=vsphereVolume 387=azureFile 388=cephfs \
     389=cinder 390=configMap 391=csi 392=downwardAPI 393=emptyDir 394=ephemeral 395=flexVolume 396=gitRepo \
     397=glusterfs 398=image 399=iscsi 400=persistentVolumeClaim 401=projected 402=rbd 403=scaleIO \
     404=secret 405=storageos s=name",
    "i=observedGeneration s=lastProbeTime,lastTransitionTime,message,reason s=status,type",
    "262=resources 407=lastState,state 408=user :mountPath[409=volumeMounts \
     :name[406=allocatedResourcesStatus b=ready,started i=restartCount s=containerID,image,imageID,name \
     s=stopSignal {q=allocatedResources",
    "[410=requestMappings s=resourceClaimName",
    "s=ip",
    "+s=containers :name[411=mapping :name[412=overhead s=resourceClaimName",
    "s=name,resourceClaimName",
    ":status,reason[370=healthConditions s=lastTransitionTime,name",
    "[413=matchExpressions",
    "i=nodePort,port q=targetPort s=appProtocol,name,protocol",
    "414=clientIP",
    "i=observedGeneration s=lastTransitionTime,message,reason,status s=type",
    "[415=ingress",
    "s=field,message,reason",
    "s=selector",
    "s=expression,name",
    "205=namespaceSelector,objectSelector [416=excludeResourceRules,resourceRules s=matchPolicy",
    "417=applyConfiguration,jsonPatch s=patchType",
    "s=apiVersion,kind",
    "205=selector s=name,namespace,parameterNotFoundAction",
    "418=service s=caBundle,url",
    "[s=apiGroups,apiVersions,operations,resources s=scope",
    "s=key,valueExpression",
    "s=expression,message,messageExpression,reason",
    "[419=expressionWarnings",
    "420=webhook s=strategy",
    "[s=categories,shortNames s=kind,listKind,plural,singular",
    "422=schema 424=subresources [421=additionalPrinterColumns [423=selectableFields \
     b=deprecated,served,storage s=deprecationWarning,name",
    "i=port s=name,namespace",
    "425=rollingUpdate s=type",
    "s=lastTransitionTime,lastUpdateTime,message,reason s=status,type",
    "i=start",
    "s=whenDeleted,whenScaled",
    "426=rollingUpdate s=type",
    "[s=groups s=uid,username {[s=extra",
    "s=apiVersion,kind,name,uid",
    "s=path,verb",
    "427=fieldSelector,labelSelector s=group,name,namespace,resource s=subresource,verb,version",
    "[s=nonResourceURLs,verbs",
    "[s=apiGroups,resourceNames,resources,verbs",
    "s=apiVersion,kind,name",
    "428=scaleDown,scaleUp",
    "429=containerResource 430=external,pods 431=object 432=resource s=type",
    "433=containerResource 434=external,pods 435=object 436=resource s=type",
    "151=spec 87=metadata",
    "[437=rules",
    "350=disruptionMode 351=schedulingConstraints 354=schedulingPolicy :name[261=resourceClaims",
    "[438=rules",
    "+s=failed,succeeded",
    "b=ready,serving,terminating",
    "[111=forNodes,forZones",
    "s=type",
    "[439=nonResourceRules [440=resourceRules [441=subjects",
    "i=lendablePercent,nominalConcurrencyShares",
    "442=limitResponse i=borrowingLimitPercent,lendablePercent,nominalConcurrencyShares",
    "+s=decodableVersions,servedVersions s=apiServerID,encodingVersion",
    "443=pod",
    "s=intent,name",
    "s=completionTime,expectedCompletionTime,heartbeatTime,message s=name,startTime",
    "i=priority s=name,state",
    "s=group,name,namespace,resource",
    "185=resource 444=service",
    "445=http s=host",
    "[s=hosts s=secretName",
    "[446=ingress",
    "s=apiGroup,kind,name,namespace s=scope",
    "[447=ports [448=to",
    "[447=ports [448=from",
    "s=resourceVersion,uid",
    "449=opaque",
    "417=cel",
    "s=device,driver,pool",
    "[450=config [451=constraints [452=requests",
    "346=nodeSelector 453=devices s=allocationTimestamp",
    "454=networkData :type[278=conditions ?=data s=device,driver,pool,shareID",
    "s=apiGroup,name,resource,uid",
    "[450=config [451=constraints [455=requests",
    "457=shareableSummary [456=partitionSummary \
     i=allocatedDevices,availableDevices,generation,resourceSliceCount i=totalDevices,unavailableDevices \
     s=driver,nodeName,poolName,validationError",
    "346=nodeSelector [217=taints [460=consumesCounters [s=bindingConditions,bindingFailureConditions \
     b=allNodes,allowMultipleAllocations,bindsToNode s=name,nodeName {458=attributes {459=capacity \
     {461=nodeAllocatableResources",
    "[462=nodeSelectorTerms",
    "i=generation,resourceSliceCount s=name",
    "s=name {463=counters",
    "464=basic s=name",
    "165=all,single",
    "[465=topology",
    "165=basic 466=gang",
    "s=templateName,workloadName",
    "165=basic 467=gang",
    "350=disruptionMode 351=schedulingConstraints 352=schedulingPolicy :name[355=compositePodGroupTemplates \
     :name[356=podGroupTemplates i=priority s=name,preemptionPolicy,priorityClassName",
    "350=disruptionMode 351=schedulingConstraints 354=schedulingPolicy :name[261=resourceClaims i=priority \
     s=name,preemptionPolicy,priorityClassName",
    "i=expirationSeconds s=audience",
    "468=allocatable [s=topologyKeys s=name,nodeID",
    "[469=healthConditions s=name",
    "[s=values s=key,operator",
    "[s=values s=key",
    "98=inlineVolumeSpec s=persistentVolumeName",
    "i=errorCode s=message,time",
    "s=group,resource",
    "s=kubeletConfigKey,name,namespace,resourceVersion s=uid",
    "i=Port",
    "i=capacity",
    "b=recursiveReadOnlyMounts,userNamespaces",
    "s=name,namespace",
    "s=message,reason,status",
    "346=requiredDuringSchedulingIgnoredDuringExecution [470=preferredDuringSchedulingIgnoredDuringExecution",
    "[471=preferredDuringSchedulingIgnoredDuringExecution \
     [472=requiredDuringSchedulingIgnoredDuringExecution",
    "473=valueFrom s=name,value",
    "474=configMapRef,secretRef s=prefix",
    "475=postStart,preStop s=stopSignal",
    "476=exec 477=grpc 478=httpGet 479=tcpSocket \
     i=failureThreshold,initialDelaySeconds,periodSeconds,successThreshold \
     i=terminationGracePeriodSeconds,timeoutSeconds",
    "i=containerPort,hostPort s=hostIP,name,protocol",
    "s=resourceName,restartPolicy",
    "480=exitCodes s=action",
    "384=appArmorProfile,seccompProfile 385=seLinuxOptions 386=windowsOptions 481=capabilities \
     b=allowPrivilegeEscalation,privileged,readOnlyRootFilesystem,runAsNonRoot i=runAsGroup,runAsUser \
     s=procMount",
    "+s=bindMountOptions b=readOnly s=mountPath,mountPropagation,name,recursiveReadOnly \
     s=subPath,subPathExpr",
    "s=name,value",
    "s=name,request",
    "s=localhostProfile,type",
    "s=level,role,type,user",
    "b=hostProcess s=gmsaCredentialSpec,gmsaCredentialSpecName,runAsUserName",
    "b=readOnly s=secretName,shareName",
    "111=secretRef [s=monitors b=readOnly s=path,secretFile,user",
    "111=secretRef b=readOnly s=fsType,volumeID",
    "[482=items b=optional i=defaultMode,defaultUser s=name",
    "111=nodePublishSecretRef b=readOnly s=driver,fsType {s=volumeAttributes",
    "[483=items i=defaultMode,defaultUser",
    "i=mode q=sizeLimit s=medium",
    "484=volumeClaimTemplate",
    "111=secretRef b=readOnly s=driver,fsType {s=options",
    "s=directory,repository,revision",
    "b=readOnly s=endpoints,path",
    "s=pullPolicy,reference",
    "111=secretRef [s=portals b=chapAuthDiscovery,chapAuthSession,readOnly i=lun \
     s=fsType,initiatorName,iqn,iscsiInterface s=targetPortal",
    "b=readOnly s=claimName",
    "[485=sources i=defaultMode,defaultUser",
    "111=secretRef [s=monitors b=readOnly s=fsType,image,keyring,pool s=user",
    "111=secretRef b=readOnly,sslEnabled s=fsType,gateway,protectionDomain,storageMode \
     s=storagePool,system,volumeName",
    "[482=items b=optional i=defaultMode,defaultUser s=secretName",
    "111=secretRef b=readOnly s=fsType,volumeName,volumeNamespace",
    ":resourceID[486=resources s=name",
    "487=running 488=terminated 489=waiting",
    "490=linux",
    "491=volumeStatus b=readOnly s=mountPath,name,recursiveReadOnly",
    "s=containerName,requestName,resourceName",
    "q=quantity s=name",
    "q=perContainer,perPod s=name",
    "[s=values s=operator,scopeName",
    "i=timeoutSeconds",
    "[492=ports s=hostname,ip,ipMode",
    "[s=apiGroups,apiVersions,operations,resourceNames [s=resources s=scope",
    "s=expression",
    "i=port s=name,namespace,path",
    "s=fieldRef,warning",
    "287=clientConfig [s=conversionReviewVersions",
    "i=priority s=description,format,jsonPath,name s=type",
    "493=openAPIV3Schema",
    "s=jsonPath",
    "165=status 494=scale",
    "q=maxSurge,maxUnavailable",
    "i=partition q=maxUnavailable",
    "[360=requirements s=rawSelector",
    "[495=policies i=stabilizationWindowSeconds q=tolerance s=selectPolicy",
    "496=target s=container,name",
    "496=target 497=metric",
    "307=describedObject 496=target 497=metric",
    "496=target s=name",
    "498=current s=container,name",
    "497=metric 498=current",
    "307=describedObject 497=metric 498=current",
    "498=current s=name",
    "499=onExitCodes [500=onPodConditions s=action",
    "i=succeededCount s=succeededIndexes",
    "+s=nonResourceURLs,verbs",
    "+s=apiGroups,namespaces,resources,verbs b=clusterScope",
    "111=group,user 369=serviceAccount s=kind",
    "501=queuing s=type",
    "s=name,uid",
    "502=port s=name",
    "[503=paths",
    "[492=ports s=hostname,ip",
    "i=endPort q=port s=protocol",
    "205=namespaceSelector,podSelector 504=ipBlock",
    "?=parameters s=driver",
    "449=opaque [s=requests",
    "[s=requests s=distinctAttribute,matchAttribute",
    "505=exactly [506=firstAvailable s=name",
    "[507=config [508=results",
    "[s=ips s=hardwareAddress,interfaceName",
    "509=capacity [265=tolerations [282=derivedAttributes [337=selectors [506=firstAvailable b=adminAccess \
     i=count s=allocationMode,deviceClassName,name",
    "i=allocatable,total s=attribute,type",
    "[510=capacity i=fullyAvailableDevices,partiallyAvailableDevices",
    "[b=bools [i=ints [s=strings,versions b=bool i=int s=string,version",
    "511=requestPolicy q=value",
    "[s=compatibilityGroups s=counterSet {463=counters",
    "512=mapping 513=overhead",
    "[360=matchExpressions,matchFields",
    "q=value",
    "346=nodeSelector [217=taints [460=consumesCounters [s=bindingConditions,bindingFailureConditions \
     b=allNodes,allowMultipleAllocations,bindsToNode s=nodeName {458=attributes {459=capacity \
     {461=nodeAllocatableResources",
    "s=key",
    "i=minGroupCount",
    "i=minCount",
    "i=count",
    "s=accessMode,lastTransitionTime,message,reason s=status,volumeMode",
    "462=preference i=weight",
    "472=podAffinityTerm i=weight",
    "205=labelSelector,namespaceSelector [s=matchLabelKeys,mismatchLabelKeys,namespaces s=topologyKey",
    "514=configMapKeyRef,secretKeyRef 515=fieldRef 516=fileKeyRef 517=resourceFieldRef",
    "b=optional s=name",
    "476=exec 478=httpGet 479=tcpSocket 518=sleep",
    "[s=command",
    "i=port s=mode,service",
    "[382=httpHeaders q=port s=host,path,protocol,scheme",
    "q=port s=host",
    "+i=values s=operator",
    "[s=add,drop",
    "i=mode,user s=key,path",
    "515=fieldRef 517=resourceFieldRef i=mode,user s=path",
    "100=spec 87=metadata",
    "519=clusterTrustBundle 520=configMap,secret 521=downwardAPI 522=podCertificate 523=serviceAccountToken",
    "s=health,message,resourceID",
    "s=startedAt",
    "i=exitCode,signal s=containerID,finishedAt,message,reason s=startedAt",
    "s=message,reason",
    "[i=supplementalGroups i=gid,uid",
    "524=image",
    "i=port s=error,protocol",
    "493=not 525=externalDocs :rule[526=x-kubernetes-validations \
     ?=additionalItems,additionalProperties,default,example ?=items [493=allOf,anyOf,oneOf [?=enum \
     [s=required,x-kubernetes-list-map-keys b=exclusiveMaximum,exclusiveMinimum,nullable,uniqueItems \
     b=x-kubernetes-embedded-resource,x-kubernetes-int-or-string,x-kubernetes-preserve-unknown-fields \
     i=maxItems,maxLength,maxProperties,minItems i=minLength,minProperties n=maximum,minimum,multipleOf \
     s=$ref,$schema,description,format s=id,pattern,title,type \
     s=x-kubernetes-list-type,x-kubernetes-map-type {493=definitions,patternProperties,properties \
     {?=dependencies",
    "s=labelSelectorPath,specReplicasPath,statusReplicasPath",
    "i=periodSeconds,value s=type",
    "i=averageUtilization q=averageValue,value s=type",
    "205=selector s=name",
    "i=averageUtilization q=averageValue,value",
    "+i=values s=containerName,operator",
    "s=status,type",
    "i=handSize,queueLengthLimit,queues",
    "i=number s=name",
    "328=backend s=path,pathType",
    "[s=except s=cidr",
    "509=capacity [265=tolerations [282=derivedAttributes [337=selectors b=adminAccess i=count \
     s=allocationMode,deviceClassName",
    "509=capacity [265=tolerations [282=derivedAttributes [337=selectors i=count \
     s=allocationMode,deviceClassName,name",
    "449=opaque [s=requests s=source",
    "+s=skipNodeOperations [265=tolerations [s=bindingConditions,bindingFailureConditions b=adminAccess \
     s=device,driver,pool,request s=shareID {q=consumedCapacity",
    "{q=requests",
    "q=available,consumed,total s=name",
    "527=validRange [q=validValues q=default",
    "q=capacityMultiplier,deviceMultiplier s=capacityKey",
    "q=perContainer,perPod",
    "b=optional s=key,name",
    "s=apiVersion,fieldPath",
    "b=optional s=key,path,volumeName",
    "q=divisor s=containerName,resource",
    "i=seconds",
    "205=labelSelector b=optional i=user s=name,path,signerName",
    "[482=items b=optional s=name",
    "[483=items",
    "i=maxExpirationSeconds,user s=certificateChainPath,credentialBundlePath,keyPath,keyType s=signerName \
     {s=userAnnotations",
    "i=expirationSeconds,user s=audience,path",
    "s=imageRef",
    "s=description,url",
    "b=optionalOldSelf s=fieldPath,message,messageExpression,reason s=rule",
    "q=max,min,step",
];
