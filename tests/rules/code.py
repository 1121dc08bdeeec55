"""Examples for code.yaml: `ruleid` stands above what a rule must find, `ok` above what it must let pass."""
# Nothing imports or runs this file.

# ruleid: markup-of-pieces
format_html(f"<b>{title}</b>")
# ruleid: markup-of-pieces
mark_safe("<b>%s</b>" % title)
# ruleid: markup-of-pieces
HttpResponse(f"<p>{name}</p>")
# ruleid: markup-of-pieces
Context({}, autoescape=False)
# ok: markup-of-pieces
format_html("<b>{}</b>", title)


def listed(request):
    # ruleid: lookup-by-what-was-asked
    Item.objects.order_by(request.GET["sort"])
    asked = request.GET.dict()
    # ruleid: lookup-by-what-was-asked, lookups-of-a-dictionary
    Item.objects.filter(**asked)
    body = json.loads(request.body)
    # ruleid: lookup-by-what-was-asked
    Item.objects.update(**body)
    # ok: lookup-by-what-was-asked
    Item.objects.order_by(SORTS[request.path])


def narrowed(rows, chosen):
    # ruleid: lookups-of-a-dictionary
    rows.filter(**chosen)
    # ok: lookups-of-a-dictionary
    rows.filter(kind=chosen)


def told(cursor, name, question, request):
    # ruleid: statement-of-pieces
    cursor.execute(f"SELECT 1 FROM item WHERE title = '{name}'")
    # ruleid: statement-of-pieces
    cursor.execute("SELECT 1 FROM item WHERE title = '%s'" % name)
    # ruleid: statement-of-pieces
    Item.objects.raw("SELECT * FROM item WHERE title = " + name)
    # ruleid: statement-of-pieces
    Item.objects.extra(where=["title = 'a'"])
    # ruleid: statement-of-what-was-asked
    cursor.execute(WHOLE.replace("<words>", request.GET["q"]))
    # ruleid: statement-of-what-was-asked
    cursor.execute(WHOLE + question.text)
    # ok: statement-of-pieces
    cursor.execute(f"LISTEN {CHANNEL}")
    # ok: statement-of-pieces
    cursor.execute("SELECT 1 FROM item WHERE title = %s", [name])
    # ok: statement-of-what-was-asked
    cursor.execute(WHOLE, {"words": request.GET["q"]})


# ruleid: http-of-its-own
import httpx

# ruleid: http-of-its-own
from urllib.request import urlopen

# ok: http-of-its-own
from urllib.parse import urlsplit

# ruleid: connection-that-trusts-anyone
httpx.get(address, verify=False)
# ruleid: connection-that-trusts-anyone
context.check_hostname = False
# ok: connection-that-trusts-anyone
fetch(address, verify=True)


def kept(data, file):
    # ruleid: code-from-data
    pickle.loads(data)
    # ruleid: code-from-data
    yaml.load(data)
    # ruleid: code-from-data
    eval(data)
    # ruleid: code-from-data
    exec(data)
    # ruleid: code-from-data
    subprocess.run(data, shell=True, check=True)
    # ruleid: code-from-data
    np.load(file, allow_pickle=True)
    # ok: code-from-data
    np.load(file, allow_pickle=False)
    # ok: code-from-data
    network.eval()
    # ok: code-from-data
    yaml.safe_load(data)
    # ok: code-from-data
    re.compile(data)
    # ok: code-from-data
    subprocess.run([data], check=True)


def lease(claim):
    # ruleid: clock-of-the-process
    claim.until = time.time() + 60
    # ruleid: clock-of-the-process
    claim.until = timezone.now()
    # ok: clock-of-the-process
    claim.until = Now()
    # ok: clock-of-the-process
    waited = time.monotonic()


# ruleid: chance-for-a-secret
import random

# ok: chance-for-a-secret
import secrets

# ruleid: picture-of-any-format
Image.open(file)
# ok: picture-of-any-format
Image.open(file, formats=("WEBP",))

# ruleid: pillow-where-requests-are-answered
from PIL import Image

# ok: pillow-where-requests-are-answered
from searchsite.library import pictures

# ruleid: files-by-hand
(settings.MEDIA_ROOT / name).write_bytes(data)
# ruleid: files-by-hand
default_storage.save(name, data)
# ruleid: files-by-hand
(config.media_root / name).write_bytes(data)
# ok: files-by-hand
files.media_root()
# ok: files-by-hand
files.place(received)


# ruleid: door-without-csrf
@csrf_exempt
def received(request):
    return HttpResponse(status=204)


# ok: door-without-csrf
@require_POST
def sent(request):
    return HttpResponse(status=204)


def noted(request, config):
    # ruleid: secret-in-a-log
    log.info("asked", authorization=request.headers["Authorization"])
    # ruleid: secret-in-a-log
    log.warning("sign-in failed with %s", password)
    # ruleid: secret-in-a-log
    log.info("calling", key=config.inference_key)
    # ok: secret-in-a-log
    log.info("asked", token=token.prefix)


def led(request):
    # ruleid: way-that-was-asked-for
    return redirect(request.GET["next"])


def led_back(request):
    target = request.POST.get("back")
    # ruleid: way-that-was-asked-for
    return HttpResponseRedirect(target)


def led_home(request):
    # ok: way-that-was-asked-for
    return redirect(reverse("item", args=[request.GET["id"]]))


# ruleid: name-before-the-file
name = tempfile.mktemp()
# ruleid: name-before-the-file
target = open("/tmp/upload", "wb")
# ok: name-before-the-file
descriptor, name = tempfile.mkstemp(dir=folder)

# ruleid: parser-of-entities
from xml.etree import ElementTree

# ok: parser-of-entities
from html import escape
