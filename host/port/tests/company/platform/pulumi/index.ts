import * as k8s from "@pulumi/kubernetes";
// postrender: "./commented.sh"
new k8s.helm.v3.Release("a", { chart: "a", postrender: "../render/tolerations.sh" });
new k8s.helm.v4.Chart("b", {
  chart: "b",
  postRenderer: {
    command: "../render/tolerations.sh",
    args: ["x"],
  },
});
