// Words outside of their box, over other words, or cut off; with all parts unfolded.
() => {
  [...document.querySelectorAll("details")].forEach((each) => (each.open = true));
  const lines = [];
  const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (words.nextNode()) {
    const node = words.currentNode, holder = node.parentElement;
    if (!node.data.trim() || holder.closest(".visually-hidden, .skip, option, noscript")) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const box of range.getClientRects()) {
      if (box.width > 1) lines.push({ box, node, holder });
    }
  }

  const named = ({ node }) => node.data.trim().slice(0, 40);
  const blockOf = (element) => {
    let block = element;
    while (getComputedStyle(block).display.startsWith("inline")) block = block.parentElement;
    return block;
  };

  const spilt = lines.filter(({ box, holder }) => {
    const block = blockOf(holder), around = block.getBoundingClientRect();
    // A space may hang over the end of a line.
    const space = parseFloat(getComputedStyle(block).fontSize);
    return box.right > around.right + space || box.left < around.left - 1;
  });

  // A line's box has room above and below its letters: two may touch.
  const cross = (a, b) =>
    Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2 &&
    Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 0.35 * Math.min(a.height, b.height);
  const over = [];
  lines.sort((a, b) => a.box.top - b.box.top);
  lines.forEach((line, at) => {
    for (let next = at + 1; next < lines.length; next++) {
      if (lines[next].box.top > line.box.bottom) break;
      if (cross(line.box, lines[next].box)) over.push(`${named(line)} / ${named(lines[next])}`);
    }
  });

  const clipped = [...document.querySelectorAll("body *")].filter((each) => {
    const style = getComputedStyle(each), hides = ["hidden", "clip"];
    return (
      !each.matches(".visually-hidden, meter, svg *") &&
      each.innerText?.trim() &&
      ((hides.includes(style.overflowX) && each.scrollWidth > each.clientWidth + 1) ||
        (hides.includes(style.overflowY) && each.scrollHeight > each.clientHeight + 1))
    );
  });

  return [
    ...spilt.map((line) => `spills out of its box: ${named(line)}`),
    ...over.map((pair) => `one over the other: ${pair}`),
    ...clipped.map((each) => `cut off: ${each.innerText.trim().slice(0, 40)}`),
  ];
}
