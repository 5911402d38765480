// What is many is painted at once as plain dots and lines beneath the graph: an element that
// cytoscape draws costs it half a millisecond, a dot a thousandth of that.
"use strict";
class Dots {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.nodes = []; // numbers of nodes
    this.edges = []; // numbers of edges
    this.tone = () => "muted";
    this.dim = () => false;
    this.hover = -1;
  }

  // Paint for a view: `zoom` and `pan` are cytoscape's, in CSS pixels.
  paint({ zoom, pan, width, height }) {
    const { canvas, context } = this;
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    this.draw(context, ratio * zoom, ratio * pan.x, ratio * pan.y, colourOf);
    if (this.hover >= 0) this.label(context, ratio, zoom, pan);
  }

  draw(context, scale, x, y, colour) {
    const { place } = DATA.nodes;
    context.setTransform(scale, 0, 0, scale, x, y);
    context.lineWidth = Math.max(0.8, 0.4 / scale);
    context.strokeStyle = colour("edge");
    context.globalAlpha = Math.min(0.3, Math.max(0.06, 2000 / this.edges.length));
    context.beginPath();
    for (const edge of this.edges) {
      const [from, to] = [place[DATA.edges.from[edge]], place[DATA.edges.to[edge]]];
      context.moveTo(from[0], from[1]);
      context.lineTo(to[0], to[1]);
    }
    context.stroke();
    const groups = new Map();
    for (const node of this.nodes) {
      const key = `${this.tone(node)} ${this.dim(node) ? 0.15 : 0.9}`;
      if (!groups.has(key)) groups.set(key, []);
      groups.get(key).push(node);
    }
    for (const [key, members] of groups) {
      const [tone, alpha] = key.split(" ");
      context.fillStyle = colour(tone);
      context.globalAlpha = Number(alpha);
      for (const node of members) {
        const half = node < DATA.reached ? 8 : 6;
        context.fillRect(place[node][0] - half, place[node][1] - half, 2 * half, 2 * half);
      }
    }
    context.globalAlpha = 1;
  }

  label(context, ratio, zoom, pan) {
    const [x, y] = DATA.nodes.place[this.hover];
    const path = field(this.hover, "path");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.font = `12px ${getComputedStyle(document.body).fontFamily}`;
    const wide = context.measureText(path).width;
    const left = Math.max(4, Math.min(x * zoom + pan.x + 10, this.canvas.width / ratio - wide - 8));
    const top = y * zoom + pan.y - 14;
    context.fillStyle = colourOf("sheet");
    context.fillRect(left - 4, top - 12, wide + 8, 17);
    context.fillStyle = colourOf("ink");
    context.fillText(path, left, top);
  }

  // The node nearest to a point of the graph, if one is within `reach`.
  at({ x, y }, reach) {
    let best = -1;
    let nearest = reach * reach;
    for (const node of this.nodes) {
      const [left, top] = DATA.nodes.place[node];
      const distance = (left - x) ** 2 + (top - y) ** 2;
      if (distance < nearest) [best, nearest] = [node, distance];
    }
    return best;
  }

  // All of it as an image for print.
  image(most) {
    const box = boxAround(this.nodes);
    const scale = Math.min(most / box.width, most / box.height, 2);
    const canvas = document.createElement("canvas");
    canvas.width = Math.ceil(box.width * scale);
    canvas.height = Math.ceil(box.height * scale);
    const context = canvas.getContext("2d");
    context.fillStyle = "#fff";
    context.fillRect(0, 0, canvas.width, canvas.height);
    this.draw(context, scale, -box.left * scale, -box.top * scale, colourOf);
    return canvas.toDataURL("image/png");
  }
}

// The box that holds nodes and their labels.
function boxAround(numbers) {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const node of numbers) {
    const [x, y] = DATA.nodes.place[node];
    const label = node < DATA.reached ? Math.min(nameOf(node).length * 7, 190) + 14 : 10;
    [left, right] = [Math.min(left, x - 14), Math.max(right, x + label)];
    [top, bottom] = [Math.min(top, y - 14), Math.max(bottom, y + 14)];
  }
  return left === Infinity
    ? { left: 0, top: 0, width: 1, height: 1 }
    : { left, top, width: right - left, height: bottom - top };
}
function nameOf(node) {
  const path = field(node, "path");
  return path.slice(path.lastIndexOf("/", path.length - 2) + 1) || path;
}
