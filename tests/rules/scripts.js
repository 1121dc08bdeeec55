// Examples for scripts.yaml: `ruleid` stands above what a rule must find, `ok` above what it must let pass.
// ruleid: markup-put-in
title.innerHTML = item.title;
// ruleid: markup-put-in
list.insertAdjacentHTML("beforeend", item.title);
// ok: markup-put-in
title.textContent = item.title;
// ok: markup-put-in
title.innerHTML = "";
// ruleid: script-of-data
eval(text);
// ruleid: script-of-data
new Function(text)();
// ok: script-of-data
setTimeout(() => go(), 100);
