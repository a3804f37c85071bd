// A long table is complete without this script as far as it is shown; the script filters and shows its other rows.
(function () {
  "use strict";
  var STEP = 100;
  function start(root) {
    var data = JSON.parse(root.querySelector("template.data").content.textContent);
    var body = root.querySelector("tbody"), bar = root.querySelector(".bar");
    var words = bar.querySelector("input"), counter = bar.querySelector("output");
    var more = root.querySelector(".more"), note = root.querySelector(".count");
    var total = data.rows.length ? data.rows[0].length : 0, found = null, shown = body.rows.length, texts = null;
    function cells(row) {
      return data.rows.map(function (codes, column) { return data.cells[column][codes[row]]; });
    }
    function add(row) {
      var line = body.insertRow();
      cells(row).forEach(function (one) {
        var cell = line.insertCell();
        cell.textContent = one[0];
        if (one[1]) { cell.className = one[1]; }
      });
    }
    function count() { return found ? found.length : total; }
    function extend() {
      for (var end = Math.min(count(), shown + STEP); shown < end; shown += 1) { add(found ? found[shown] : shown); }
      more.hidden = shown >= count();
      counter.textContent = count() + " of " + total + " rows";
      note.textContent = "Shown: " + shown + " of " + count() + " rows";
    }
    function filter() {
      var asked = words.value.toLowerCase().split(/\s+/).filter(Boolean);
      texts = texts || data.rows[0].map(function (_, row) {
        return cells(row).map(function (one) { return one[0]; }).join("\n").toLowerCase();
      });
      found = [];
      texts.forEach(function (text, row) {
        if (asked.every(function (word) { return text.indexOf(word) >= 0; })) { found.push(row); }
      });
      body.textContent = "";
      shown = 0;
      extend();
    }
    bar.hidden = false;
    more.addEventListener("click", extend);
    words.addEventListener("input", filter);
    more.hidden = shown >= total;
    counter.textContent = total + " rows";
  }
  document.querySelectorAll(".vkl").forEach(start);
})();
