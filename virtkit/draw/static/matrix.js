// The matrix is complete without this script, which adds the filter, folding, the panel, arrow keys and a CSV.
(function () {
  "use strict";
  function text(node) { return node.textContent.replace(/\s+/g, " ").trim(); }
  function start(root) {
    var table = root.querySelector("table");
    var bar = root.querySelector(".bar"), panel = root.querySelector(".panel");
    var words = bar.querySelector("input"), sort = bar.querySelector("select"), counter = bar.querySelector("output");
    var rows = Array.prototype.slice.call(table.querySelectorAll("tbody tr.row"));
    var cells = Array.prototype.slice.call(table.querySelectorAll("td > a"));
    var columns = JSON.parse(table.getAttribute("data-columns"));
    var data = JSON.parse(root.querySelector("template.data").content.textContent);
    var none = root.querySelector(".none");
    // The guests of each row, each with the text that the filter searches: its short id and its name.
    var systems = rows.map(function (row, place) {
      return [].concat.apply([], data.rows[place].map(function (part) { return part[0]; })).map(function (ident) {
        return { id: ident, name: data.names[ident], words: (ident + " " + data.names[ident]).toLowerCase() };
      });
    });
    var shown = systems;
    bar.hidden = false;
    panel.hidden = false;

    // A word is in a text where it begins and ends no inside a number: 6 and 6.1 are in "6.1.2", but not in "5.6" or "16".
    function has(words, word) {
      for (var at = words.indexOf(word); at >= 0; at = words.indexOf(word, at + 1)) {
        var before = words.slice(0, at), after = words.charAt(at + word.length);
        var inside = /^\d/.test(word) && /\d\.?$/.test(before);
        if (!inside && !(/\d$/.test(word) && /\d/.test(after))) { return true; }
      }
      return false;
    }
    // The name of a row: those of its guests that the filter matches, in place of all.
    function rename(row, all, found) {
      var head = row.cells[0], hit = head.querySelector(".hit");
      if (hit) { hit.remove(); }
      head.classList.toggle("narrowed", found.length < all.length);
      if (found.length === all.length) { return; }
      hit = document.createElement("div");
      hit.className = "hit";
      var names = found.slice(0, 4).map(function (one) { return one.name; });
      hit.textContent = names.join(", ") + (found.length > 4 ? " and " + (found.length - 4) + " more" : "");
      head.appendChild(hit);
    }
    function filter() {
      var asked = words.value.toLowerCase().split(/\s+/).filter(Boolean), count = 0;
      table.querySelectorAll("tbody").forEach(function (body) { body.hidden = true; });
      shown = systems.map(function (all) {
        return all.filter(function (one) { return asked.every(function (word) { return has(one.words, word); }); });
      });
      rows.forEach(function (row, place) {
        var keep = shown[place].length > 0 && (!sort.value || row.querySelector("td." + sort.value));
        row.hidden = !keep || row.parentNode.hasAttribute("data-folded");
        if (keep) { count += 1; row.parentNode.hidden = false; rename(row, systems[place], shown[place]); }
      });
      none.hidden = count > 0;
      none.textContent = count ? "" : "No match" + (asked.length ? " for “" + words.value.trim() + "”." : ".");
      counter.textContent = count ? count + " of " + rows.length + " rows" : "no match";
    }
    words.addEventListener("input", filter);
    sort.addEventListener("change", filter);

    table.querySelectorAll("tr.fam th").forEach(function (head) {
      var body = head.parentNode.parentNode, button = document.createElement("button");
      button.type = "button";
      button.setAttribute("aria-expanded", "true");
      while (head.firstChild) { button.appendChild(head.firstChild); }
      head.appendChild(button);
      button.addEventListener("click", function () {
        var folded = body.toggleAttribute("data-folded");
        button.setAttribute("aria-expanded", String(!folded));
        filter();
      });
    });

    function explain(link) {
      var why = document.getElementById(link.getAttribute("href").slice(1));
      var row = link.closest("tr"), column = link.parentNode.cellIndex;
      var head = row.querySelector("th .hit") || row.querySelector("th .name") || row.querySelector("th");
      panel.textContent = "";
      var strong = document.createElement("strong");
      strong.textContent = text(head) + " · " + columns[column - 1];
      panel.appendChild(strong);
      panel.appendChild(document.createElement("br"));
      if (why) { why.childNodes.forEach(function (node) { panel.appendChild(node.cloneNode(true)); }); }
      if (marked) { marked.classList.remove("on"); }
      marked = link.parentNode;
      marked.classList.add("on");
    }
    var marked = null;
    cells.forEach(function (link, place) { link.tabIndex = place ? -1 : 0; });
    table.addEventListener("mouseover", function (event) {
      var link = event.target.closest("td > a");
      if (link) { explain(link); }
    });
    table.addEventListener("focusin", function (event) {
      var link = event.target.closest("td > a");
      if (!link) { return; }
      cells.forEach(function (other) { if (other.tabIndex === 0) { other.tabIndex = -1; } });
      link.tabIndex = 0;
      explain(link);
    });
    table.addEventListener("click", function (event) {
      var link = event.target.closest("td > a");
      if (link) { event.preventDefault(); link.focus(); explain(link); }
    });
    table.addEventListener("keydown", function (event) {
      var link = event.target.closest("td > a");
      if (!link) { return; }
      var row = link.closest("tr"), column = link.parentNode.cellIndex, next = null;
      var visible = rows.filter(function (one) { return !one.hidden && !one.parentNode.hidden; });
      var at = visible.indexOf(row);
      if (event.key === "ArrowRight") { next = row.cells[column + 1]; }
      if (event.key === "ArrowLeft") { next = row.cells[column - 1]; }
      if (event.key === "ArrowDown" && visible[at + 1]) { next = visible[at + 1].cells[column]; }
      if (event.key === "ArrowUp" && visible[at - 1]) { next = visible[at - 1].cells[column]; }
      var target = next && next.querySelector("a");
      if (target) { event.preventDefault(); target.focus(); }
    });

    // One line for each cell, as virtkit matrix writes it; a value that a spreadsheet would evaluate gets a quote.
    function quote(value) {
      if (/^[=+\-@\t\r]/.test(value)) { value = "'" + value; }
      return /[",\r\n]/.test(value) ? '"' + value.replace(/"/g, '""') + '"' : value;
    }
    bar.querySelector("button").addEventListener("click", function () {
      var lines = ["guest,kind,machine,model,placement,interface,verdict,reason,condition,evidence,source"];
      rows.forEach(function (row, place) {
        if (row.hidden || row.parentNode.hidden) { return; }
        var kept = shown[place].map(function (one) { return one.id; });
        data.rows[place].forEach(function (part) {
          part[0].filter(function (guest) { return kept.indexOf(guest) >= 0; }).forEach(function (guest) {
            part[1].forEach(function (code, column) {
              if (code < 0) { return; }
              var says = data.states[code].map(function (number) { return data.texts[number]; });
              lines.push([guest].concat(data.columns[column], says).map(quote).join(","));
            });
          });
        });
      });
      var link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([lines.join("\n") + "\n"], { type: "text/csv" }));
      link.download = "matrix.csv";
      link.click();
      setTimeout(function () { URL.revokeObjectURL(link.href); }, 10000);
    });
    filter();
  }
  document.querySelectorAll(".vkm").forEach(start);
})();
