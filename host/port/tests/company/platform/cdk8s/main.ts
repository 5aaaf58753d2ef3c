import { App, Chart, Helm } from 'cdk8s';
new Helm(new Chart(new App(), 'a'), 'b', {
  chart: './x',
  helmFlags: ['--post-renderer', '../render/tolerations.sh'],
});
