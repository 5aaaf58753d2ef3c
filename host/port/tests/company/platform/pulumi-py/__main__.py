import pulumi_kubernetes as k8s

k8s.helm.v4.Chart(
    "a",
    chart="a",
    post_renderer=k8s.helm.v4.PostRendererArgs(
        command="../render/tolerations.sh",
        args=["a"],
    ),
)
