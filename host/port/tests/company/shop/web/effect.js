export class Effect {
  constructor(options) {
    this.postRenderer = options.postRenderer;
  }
  postRender() { return this.postRenderer; }
}
new Effect({ postRenderer: './shader.js' });
