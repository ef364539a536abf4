"""What can go wrong, and what to do about it: the table of problems, and how one is shown.

Every problem has an id, and is written once, here: how it is recognised, the three sentences
that you see, and how we know. The {braces} are filled in where the problem is found.
This file is given: a reset may replace it, so write your own code in main.py.
"""


class SetupError(Exception):
    """A mistake in the set-up. Its text says what is wrong and what to do now.

    problem: the id of the problem, a name in the table PROBLEMS.
    """

    def __init__(self, problem, **details):
        super().__init__(problem)
        self.problem = problem
        self.details = details

    def __str__(self):
        return " ".join(sentences(self))


def sentences(error):
    """Return what happened, why, and what to do: the sentences of a SetupError, filled in."""
    row = PROBLEMS[error.problem]
    parts = [part.format(**error.details).strip() for part in (row.what, row.why, row.do)]
    return [part for part in parts if part]


def block(error):
    """Return a SetupError as it is shown: its id, then its sentences, in lines of up to 79."""
    lines = [f"PROBLEM [{error.problem}]", *"\n".join(sentences(error)).split("\n")]
    try:
        from textwrap import wrap  # only here: one of your files may hide it, or what it needs
    except Exception:
        return "\n".join(["", *lines])
    shown = []
    for line in lines:
        if line.startswith("    "):  # a command has to stay in one piece
            shown.append(line)
        else:
            shown += wrap(line, 79, break_long_words=False, break_on_hyphens=False)
    return "\n".join(["", *shown])


# The table.


class Problem:
    """What can go wrong: how it is recognised, what to say, and how we know."""

    def __init__(self, sign, what, why, do, source):
        self.sign = sign  # how it is recognised
        self.what = what  # what happened
        self.why = why
        self.do = do  # what to do now
        self.source = source


OUR_RULE = "This project's own rule."
KEYS_DOC = "Backblaze docs, Application Keys; b2-sdk-python, glossary."
LIVE = "Live tests of B2 by the project vdavid/cmdr (October 2026)."
BOTOCORE = "boto3 1.44, tried out against a server on this computer."
NEW_KEY = (
    "Add a new key on the console's App Keys page (README.md, step 4), and put its keyID and"
    " applicationKey in .env."
)

PROBLEMS = {
    # This computer.
    "python-too-old": Problem(
        sign="sys.version_info is below 3.10",
        what="This is Python {version}.",
        why="The project needs Python 3.10 or newer.",
        do="Get it from python.org if you do not have it. {how}",
        source="boto3's package metadata, Requires-Python.",
    ),
    "package-missing": Problem(
        sign="import boto3 fails, or boto3 does not know one of our settings",
        what="{package} for this Python.",
        why="The program needs the packages that requirements.txt lists.",
        do="{how}",
        source="boto3 changelog: the checksum settings came with 1.36.",
    ),
    "practice-needs-moto": Problem(
        sign="both keys are empty, and moto cannot be imported",
        what="Both keys are empty, so you are practising, and that needs the package moto.",
        why="moto is not installed for this Python, or its version is too old.",
        do="To use your own bucket, fill in both keys in .env (or env.txt). To practise, do this."
        " {how}",
        source=OUR_RULE,
    ),
    "given-file-missing": Problem(
        sign="a module of the project cannot be imported",
        what="The project's own {file} is missing.",
        why="Somebody deleted or renamed it, or did not upload it.",
        do="Bring it back: README.md says how, under Reset.",
        source=OUR_RULE,
    ),
    "given-file-damaged": Problem(
        sign="Python cannot read a module of the project, or a part of it is gone",
        what="The project's own {file} is damaged: {reason}.",
        why="Somebody changed it, or it was not saved or copied completely.",
        do="Bring it back: README.md says how, under Reset.",
        source=OUR_RULE,
    ),
    "file-hides-package": Problem(
        sign="an import fails, and a file in the project has the name of the module",
        what="Your file {file} has the same name as a part of Python, boto3 or b2_inside.",
        why="Python uses your file instead.",
        do="Rename {file}, for example to my_{file}.",
        source="Python docs, The initialization of the sys.path module search path.",
    ),
    "practice-folder": Problem(
        sign="the disk refuses to read or write in practice-bucket",
        what="{what}",
        why="",
        do="",
        source="Python docs, errno.",
    ),
    # The file with the settings.
    "env-file-missing": Problem(
        sign="neither .env nor env.txt is there",
        what="There is no .env file in {folder}.",
        why="The program looks there for your keys, your bucket and your endpoint.",
        do="{do}",
        source=OUR_RULE,
    ),
    "env-file-misnamed": Problem(
        sign="a file with a name like .env.txt is there, and no keys are in .env or env.txt",
        what="There is a file called {name}, but programs only read .env and env.txt.",
        why="Windows hides some file extensions, and some editors add one.",
        do="Rename {name} to {better}.",
        source="Microsoft, Common file name extensions in Windows.",
    ),
    "keys-in-example": Problem(
        sign="the key lines of .env.example are filled in, and those of .env are not",
        what="Your keys are in .env.example.",
        why="No program reads that file, and git would publish it.",
        do="Move both keys to .env, and empty the two key lines of .env.example.",
        source=OUR_RULE,
    ),
    "env-file-unreadable": Problem(
        sign="the file cannot be opened, is too large, or is a word processor's document",
        what="{file} cannot be {reason}.",
        why="It must be a small, plain text file that you are allowed to read.",
        do="{do}",
        source="Python docs, errno; RTF and ZIP files are recognised by their first bytes.",
    ),
    "line-unreadable": Problem(
        sign="a line is not NAME=value",
        what="Line {number} of {file} cannot be read.",
        why="{why}",
        do="{do}",
        source="The grammar of python-dotenv.",
    ),
    "line-twice": Problem(
        sign="a name appears twice, with different values",
        what="{name} is in {file} twice, with different values.",
        why="It is on line {first} and on line {second}.",
        do="Delete one of them.",
        source=OUR_RULE,
    ),
    "line-missing": Problem(
        sign="one of the four names is neither in the file nor a variable",
        what="{where} has no line {name}=.",
        why="All four lines must be there. To practise, leave both keys empty.",
        do="Add that line, without a # in front, and write {word} after the =.",
        source=OUR_RULE,
    ),
    "line-misnamed": Problem(
        sign="one of the four names is missing or empty, and a line with a similar one is there",
        what="{file} has a line {other}=, which no program reads.",
        why="The line for {word} must begin with {name}=.",
        do="{do}",
        source="Other tools use names like B2_KEY_ID and B2_BUCKET.",
    ),
    # The values.
    "value-missing": Problem(
        sign="a value that is needed is empty",
        what="{name} is empty in {where}.",
        why="{why}",
        do="{do}",
        source=OUR_RULE,
    ),
    "placeholder-left": Problem(
        sign="a value is an example, such as <your keyID> or the template's own bucket name",
        what="{name} in {where} still has an example as its value.",
        why="That line is for {word}.",
        do="{do}",
        source=OUR_RULE,
    ),
    "bucket-name-impossible": Problem(
        sign="the bucket's name breaks the rule for names",
        what="{value} cannot be a bucket name (B2_BUCKET_NAME in {where}).",
        why="{rule}",
        do="Copy the name of your bucket from the console's Buckets page.",
        source="Backblaze docs, Cloud Storage Buckets.",
    ),
    "endpoint-not-s3": Problem(
        sign="the endpoint is the address of something else",
        what="{value} cannot be the Endpoint (B2_ENDPOINT in {where}).",
        why="{reason}",
        do="{rule}",
        source="Backblaze docs, S3-compatible API.",
    ),
    "endpoint-has-bucket": Problem(
        sign="there is something in front of s3. or after .com",
        what="{value} cannot be the Endpoint (B2_ENDPOINT in {where}).",
        why="{reason}",
        do="{rule}",
        source=BOTOCORE + " With it, files would go to the wrong place.",
    ),
    "endpoint-http": Problem(
        sign="the endpoint begins with http:// instead of https://",
        what="{value} cannot be the Endpoint (B2_ENDPOINT in {where}).",
        why="{reason}",
        do="Write https:// instead, or leave it out.",
        source="Backblaze docs, Call the S3-compatible API.",
    ),
    "keys-swapped": Problem(
        sign="a key line holds a value with the other key's shape",
        what="{name} in {where} has the other key's value.",
        why="A keyID begins with 00 (25 characters), an applicationKey with K00 (31).",
        do="{do}",
        source=KEYS_DOC,
    ),
    "master-key": Problem(
        sign="the keyID has 12 characters, all of 0-9 and a-f",
        what="B2_APPLICATION_KEY_ID in {where} is the keyID of your Master Application Key.",
        why="B2 does not accept that key here.",
        do=NEW_KEY,
        source="Backblaze docs, S3-Compatible Application Keys; b2-sdk-python, glossary.",
    ),
    "key-name-as-id": Problem(
        sign="the keyID does not look like one at all",
        what="The value after B2_APPLICATION_KEY_ID= ({count} characters) is not a keyID.",
        why="A keyID begins with 00 (25 characters). The name of a key is only a label.",
        do="Copy the keyID from the console's App Keys page to .env.",
        source=KEYS_DOC,
    ),
    "key-incomplete": Problem(
        sign="a key begins as it should, but has another length or a strange character",
        what="The value after {name}= is not {quality}: {flaw}.",
        why="{shape}",
        do="Copy {word} again. If the console no longer shows it, add a new key.",
        source=KEYS_DOC,
    ),
    # Keys in the wrong place.
    "env-in-git": Problem(
        sign="git ls-files lists .env or env.txt",
        what="Your file {file} is in git.",
        why="Anyone who gets the repository can read your keys.",
        do="Run these two commands. Then delete the key in the console, add a new one, and put it"
        " in .env.\n    git rm --cached --ignore-unmatch .env env.txt\n    git commit -m nokeys",
        source="git docs, gitignore: files that git already tracks are not ignored.",
    ),
    "key-in-git-history": Problem(
        sign="git's history of .env or env.txt has the current key",
        what="An older version in git has your .env, with the key that you use now.",
        why="Anyone who gets the repository can read the key, although the file is gone.",
        do="In the console, delete that key and add a new one (README.md, step 4). Put it in .env.",
        source="git docs, git log: a commit keeps what later ones remove.",
    ),
    "key-in-code": Problem(
        sign="a program, or a file that git keeps, has an applicationKey in it",
        what="There is an applicationKey in {file}, line {number}.",
        why="Anyone who sees this file can use your bucket.",
        do="Take it out: it belongs only in .env. If anyone else has seen it, delete the key in the"
        " console and add a new one.",
        source=KEYS_DOC,
    ),
    # The connection to B2.
    "no-network": Problem(
        sign="no name can be looked up, not even that of Backblaze",
        what="This computer has no connection to the internet.",
        why="Not even the address of Backblaze can be found.",
        do="Turn on the network (at school: log in to it) and try again.",
        source=BOTOCORE,
    ),
    "host-not-found": Problem(
        sign="the endpoint's name cannot be looked up, but Backblaze's can",
        what="There is no server called {host}.",
        why="The region in B2_ENDPOINT is probably misspelt.",
        do="{rule}",
        source=BOTOCORE,
    ),
    "connection-refused": Problem(
        sign="the server's computer refuses the connection",
        what="{host} refuses the connection.",
        why="{reason}",
        do="{do}",
        source=BOTOCORE,
    ),
    "no-answer": Problem(
        sign="the connection or the answer does not come in time, or is cut off",
        what="{host} does not answer.",
        why="The network is very slow, or a firewall (perhaps your school's) lets nothing through.",
        do="Try again. If that does not help, try another network, such as a phone's hotspot.",
        source=BOTOCORE,
    ),
    "certificate-not-trusted": Problem(
        sign="the certificate of the server cannot be verified",
        what="The connection to {host} is not safe ({reason}).",
        why="Something between you and B2 reads what is sent, as some schools' filters do.",
        do="Use another network, such as a phone's hotspot. Or ask the people who look after the"
        " school's computers: the variable AWS_CA_BUNDLE can name the file with their certificate.",
        source="Python docs, ssl; botocore docs, AWS_CA_BUNDLE.",
    ),
    "network-variable-wrong": Problem(
        sign="a proxy cannot be reached, or the file with certificates is not there",
        what="This computer's setting {name} points to {value}, but {state}.",
        why="It is a variable in the system or in your terminal, and programs follow it.",
        do="Open a new terminal and try again. If that does not help, ask someone to remove the"
        " setting.",
        source="botocore docs, Config; requests docs, SSL Cert Verification.",
    ),
    "not-b2": Problem(
        sign="the answer is a web page, or something that B2 would not say",
        what="The answer did not come from B2: {reason}.",
        why="Something in between answered: a filter, or a network that wants you to log in.",
        do="Open any web page in a browser, log in if you are asked, and try again.",
        source=BOTOCORE,
    ),
    "bytes-altered": Problem(
        sign="the bytes of an object do not match its length, range or checksum, twice",
        what="What arrived of {name} is not what was stored.",
        why="Something on the way changes files, as some filters do. Nothing was saved.",
        do="Try again. If that does not help, try another network, such as a phone's hotspot.",
        source="RFC 9110, 14.4 (Content-Range); AWS docs, Object (ETag).",
    ),
    "clock-wrong": Problem(
        sign="the server's Date, or a certificate's dates, do not match this computer's clock",
        what="This computer's clock is {reason}.",
        why="B2 needs a clock that is right to within 15 minutes.",
        do="Set the date, time and time zone in the system's settings, automatically if you can.",
        source="AWS docs, RequestTimeTooSkewed; B2's own wording is not known.",
    ),
    # What B2 answers.
    "key-unknown": Problem(
        sign="InvalidAccessKeyId",
        what="B2 does not know {the_key} at this endpoint.",
        why="It is not complete, was deleted or has expired, or its account is in another region.",
        do="Does the console's App Keys page show this keyID? If not, add a new key. If it does,"
        " copy the Endpoint again from the Buckets page. Both belong in .env.",
        source="s5cmd issue 269. " + LIVE,
    ),
    "key-of-another-region": Problem(
        sign="InvalidAccessKeyId, and the third digit of the keyID is not that of the endpoint",
        what="B2 does not know {the_key} at {host}.",
        why="A keyID that begins with {digits} usually belongs to an endpoint with {digits} in it.",
        do="Log in to the account that has the key. Copy the Endpoint again from its Buckets page"
        " to B2_ENDPOINT= in .env.",
        source="s3-image-port, pull request 104: all pairs that were seen agree. A hint, not a"
        " rule.",
    ),
    "application-key-wrong": Problem(
        sign="SignatureDoesNotMatch",
        what="B2 knows the keyID, but the applicationKey does not belong to it.",
        why="A character is wrong, or it is the applicationKey of another key.",
        do="Copy the applicationKey again, to B2_APPLICATION_KEY= in .env. The console shows it"
        " only once: if it is gone, add a new key, and copy both values.",
        source="joplin issue 7359. " + LIVE,
    ),
    "key-for-another-bucket": Problem(
        sign="AccessDenied for the list, and for the bucket itself",
        what="The key is not allowed to use the bucket {bucket}.",
        why="It was made for another bucket or has no permissions, or the bucket is not yours.",
        do="Compare B2_BUCKET_NAME in .env with the console's Buckets page: upper and lower case"
        " matter. If it is right, add a new key for this bucket (README.md, step 4).",
        source=LIVE + " Somebody else's bucket: inferred.",
    ),
    "key-limited-to-names": Problem(
        sign="AccessDenied for the list, but not for the bucket itself",
        what="The key can use the bucket {bucket}, but cannot list all of it.",
        why="It has a File name prefix, or is of the type Write Only.",
        do=NEW_KEY,
        source="cyberduck issue 14103. " + LIVE,
    ),
    "key-lacks-permission": Problem(
        sign="AccessDenied 'not entitled', although the key may list the bucket",
        what="Your program is not allowed to {action} there.",
        why="B2 does not allow it with this key, and practice refuses the same. The bucket in .env"
        " is {bucket}.",
        do="{do}",
        source="Backblaze docs, Application Key Capabilities. " + LIVE,
    ),
    "bucket-not-found": Problem(
        sign="NoSuchBucket",
        what="There is no such bucket: {bucket}.",
        why="Its name is misspelt (upper and lower case matter), or it is in another account.",
        do="Copy the name from the console's Buckets page to B2_BUCKET_NAME= in .env.",
        source=LIVE,
    ),
    "daily-cap": Problem(
        sign="AccessDenied with the words 'cap exceeded'",
        what="Your account has used up a daily limit. The key is fine.",
        why="B2 said: {reason}",
        do="Wait until tomorrow (B2's day ends at midnight GMT), or raise the limit on the"
        " console's Caps & Alerts page.",
        source=LIVE + " Transactions: public code, less sure.",
    ),
    "storage-cap": Problem(
        sign="AccessDenied with the words 'storage cap exceeded'",
        what="Your account is full.",
        why="You have reached the limit for stored data. Older versions of files count, too.",
        do="In the console, delete old versions (Browse Files) or raise the limit (Caps & Alerts).",
        source="restic issue 3265.",
    ),
    "busy": Problem(
        sign="SlowDown, InternalError or another answer of 500 or more, even after trying again",
        what="B2 could not answer just now ({code}).",
        why="This is not your fault: the server is busy or has a problem.",
        do="Wait a few minutes and try again.",
        source="Backblaze docs, Rate Limits. " + LIVE,
    ),
    # What a program asks for.
    "no-such-object": Problem(
        sign="NoSuchKey, or 404 for an object",
        what="There is no such file in the bucket.",
        why="It was never saved, was deleted, or has another name (upper and lower case matter).",
        do="Look at the names in the bucket:\n    for obj in bucket.objects.all(): print(obj.key)",
        source="Backblaze docs, S3 Get Object.",
    ),
    "file-not-found": Problem(
        sign="FileNotFoundError or IsADirectoryError, in a call to boto3",
        what="{what}",
        why="Python looks for it in {folder}.",
        do="{do}",
        source="Python docs, FileNotFoundError. " + BOTOCORE,
    ),
    "file-not-allowed": Problem(
        sign="PermissionError, in a call to boto3",
        what="This computer does not let your program use the file {file}.",
        why="Another program has it open, or it is protected.",
        do="Close the programs that use it, or write another file name in your program.",
        source="Python docs, PermissionError. " + BOTOCORE,
    ),
    "other-bucket-not-found": Problem(
        sign="NoSuchBucket, although the bucket in .env exists",
        what="There is no bucket with the name that your program uses.",
        why="Your own bucket, from .env, is {bucket}, and that one exists.",
        do="Use the bucket that get_bucket() returns, or correct the name in your program.",
        source=LIVE,
    ),
    "object-name-impossible": Problem(
        sign="InvalidRequest for a name that breaks the rule, or KeyTooLongError",
        what="B2 does not accept this name (Key).",
        why="{rule}",
        do="Change the name in your program.",
        source=LIVE,
    ),
    "too-many-names": Problem(
        sign="InvalidRequest for more than 1000 names in one call of delete_objects",
        what="Your program wants to delete too many files at once.",
        why="One call can delete at most {most}.",
        do="Let boto3 split them:\n    bucket.objects.filter(Prefix='old/').delete()",
        source=LIVE,
    ),
    "not-changed": Problem(
        sign="304, the answer to IfNoneMatch or IfModifiedSince",
        what="B2 did not send the file, because it has not changed.",
        why="That is what IfNoneMatch and IfModifiedSince in your program ask for.",
        do="Use the bytes that you have, or leave that argument out.",
        source="RFC 9110, 15.4.5.",
    ),
    "condition-not-met": Problem(
        sign="PreconditionFailed, the answer to IfMatch and its relatives",
        what="The file in the bucket is not the one that your program expects.",
        why="It was replaced in the meantime, or the value after IfMatch (or IfUnmodifiedSince,"
        " CopySourceIfMatch) is that of another file.",
        do="Try again. If your program has such an argument, take the ETag that the file has now.",
        source="RFC 9110, 15.5.13. " + LIVE,
    ),
    "range-outside-file": Problem(
        sign="InvalidRange",
        what="The file has no bytes where Range begins.",
        why="It is shorter than your program expects. Its first byte has the number 0.",
        do="Look at its size first:\n    bucket.Object('name').content_length",
        source="RFC 9110, 15.5.17.",
    ),
    "part-too-small": Problem(
        sign="EntityTooSmall",
        what="A part of this upload is too small.",
        why="Each part but the last must have at least 5 MB. B2 said: {reason}",
        do="Use upload_file(), which makes the parts for you.",
        source="Backblaze docs, Large Files. tusd issue 1302.",
    ),
    "object-too-large": Problem(
        sign="EntityTooLarge, or InvalidRequest about a size",
        what="This is too large for one call.",
        why="One call can store or copy at most 5 GB. B2 said: {reason}",
        do="Use upload_file() or bucket.copy(): they do it in parts.",
        source="Backblaze docs, Large Files. lakeFS issue 7452.",
    ),
    "copy-onto-itself": Problem(
        sign="InvalidRequest about a copy of an object onto itself",
        what="Your program copies a file onto itself, and changes nothing.",
        why="B2 said: {reason}",
        do="Copy it to another name. To change its metadata, add MetadataDirective='REPLACE'.",
        source="rclone issue 2375; AWS docs, CopyObject.",
    ),
    "checksum-needed": Problem(
        sign="InvalidRequest because a checksum is required",
        what="This file has to be sent with a checksum.",
        why="Object Lock needs one. B2 said: {reason}",
        do="Add ChecksumAlgorithm='CRC32' to put_object, or to upload_file as ExtraArgs:\n"
        "    bucket.upload_file('a.txt', 'a.txt', ExtraArgs=dict(ChecksumAlgorithm='CRC32'))",
        source="zmanda/amanda issue 275; AWS docs, PutObject.",
    ),
    "checksum-wrong": Problem(
        sign="BadDigest or InvalidDigest",
        what="The bytes that arrived do not have the checksum that came with them.",
        why="So nothing was stored. B2 said: {reason}",
        do="If your call has ContentMD5= or another checksum in it, leave that out; the file is"
        " stored without it, too. If not, something on the way alters files: try it once more.",
        source="Live tests of B2 by vdavid/cmdr (October 2026); AWS docs, Error responses.",
    ),
    "object-lock-off": Problem(
        sign="InvalidRequest about Object Lock or retention",
        what="B2 does not accept what this call says about Object Lock.",
        why="B2 said: {reason}",
        do="Leave out the arguments that begin with ObjectLock.",
        source="AWS docs, Object Lock; B2's own words are not known.",
    ),
    "request-refused": Problem(
        sign="InvalidRequest or InvalidArgument in any other sense",
        what="B2 refuses what this call asks for.",
        why="B2 said: {reason}",
        do="Compare the call with those in main.py and BRIEF.md, or on boto3's page about S3.",
        source=LIVE,
    ),
    "no-such-setting": Problem(
        sign="NoSuchCORSConfiguration and its relatives",
        what="The bucket has no setting of this kind ({code}).",
        why="Nobody has made one, or it was removed.",
        do="Make the setting first. Or, if your program only asks, take this as the answer: none.",
        source="Backblaze docs, S3 Get Bucket CORS.",
    ),
    "not-on-b2": Problem(
        sign="NotImplemented, or InvalidArgument about something unsupported",
        what="B2 cannot do what this call asks for.",
        why="Some features of Amazon's S3 are missing: ACLs, tags, conditions such as IfNoneMatch."
        " B2 said: {reason}",
        do="Leave that argument out.",
        source="Backblaze docs, S3-compatible API. " + LIVE,
    ),
    "call-misspelt": Problem(
        sign="boto3's ParamValidationError",
        what="boto3 does not understand this call in your program.",
        why="It says: {reason}",
        do="{do}",
        source="boto3 docs, Error handling.",
    ),
    "brackets-not-empty": Problem(
        sign="get_bucket() or get_client() with something in its brackets",
        what="{call}() takes nothing in its brackets.",
        why="The name of the bucket and the keys come from .env.",
        do="Write {call}(). For another bucket, change B2_BUCKET_NAME in .env.",
        source=OUR_RULE,
    ),
    "brackets-missing": Problem(
        sign="get_bucket or get_client without brackets, used like a bucket",
        what="{call} has no brackets after it in your program.",
        why="Without them it is the function itself, and not what it returns.",
        do="Write {call}().",
        source=OUR_RULE,
    ),
    "exception-not-known": Problem(
        sign="an error in the line with except, while boto3's own error is handled",
        what="Python does not understand this line in your program: {line}",
        why="boto3 has its errors in places of their own.",
        do="Write this line:\n    {how}",
        source="boto3 docs, Error handling.",
    ),
    "read-twice": Problem(
        sign="json is given an empty text, and the last object that was read is not empty",
        what="Your program gives json an empty text.",
        why="A Body can be read only once: the second read() returns nothing. The file {name} is"
        " not empty.",
        do="Keep what the first read() returns:\n    text = answer['Body'].read()",
        source="Python docs, io; " + BOTOCORE,
    ),
    "decode-missing": Problem(
        sign="a TypeError about bytes and text, after the program has read an object",
        what="Your program uses bytes here, as if they were text.",
        why="What read() returns is bytes. Python says: {reason}",
        do="Add .decode() after .read(); it makes text of the bytes.",
        source="Python docs, bytes.decode.",
    ),
    "import-misspelt": Problem(
        sign="an ImportError for a name that is almost that of a module, or of something in it",
        what="There is no {what}.",
        why="It is misspelt in an import of your program (upper and lower case matter).",
        do="{do}",
        source=OUR_RULE,
    ),
    "object-not-usable": Problem(
        sign="an AttributeError, TypeError or ValueError about what the last object holds",
        what="Your program stopped with {stop}",
        why="The last file that it read, {name}, holds: {content}",
        do="{do}",
        source=OUR_RULE,
    ),
    "bytes-needed": Problem(
        sign="TypeError in boto3: text, or a file opened as text, in place of bytes",
        what="boto3 uploads and downloads bytes, and your program uses text here.",
        why="Python keeps the two apart. It says: {reason}",
        do="Open a file with 'rb' or 'wb'. Use io.BytesIO in place of io.StringIO.",
        source=BOTOCORE,
    ),
    "file-mode-wrong": Problem(
        sign="UnsupportedOperation in boto3: a file that was opened for something else",
        what="boto3 cannot use a file that was opened in this way.",
        why="It says: {reason}",
        do="To upload a file, open it with 'rb'; to download into it, with 'wb'.",
        source=BOTOCORE,
    ),
    "stream-not-rewindable": Problem(
        sign="UnsupportedOperation in boto3: a stream that can be read only once",
        what="put_object cannot use this as its Body.",
        why="boto3 has to read it twice, and it can be read only once.",
        do="Use upload_fileobj, which needs to read it only once:\n"
        "    bucket.upload_fileobj(stream, 'name')",
        source="boto3 issue 518; " + BOTOCORE,
    ),
    "metadata-not-text": Problem(
        sign="AttributeError in boto3: a value in Metadata that is not text",
        what="Metadata may only contain plain text.",
        why="One of its values is a number, or has accents. It says: {reason}",
        do="Write str(value), or put the value in quotes. Use plain letters, without accents.",
        source=BOTOCORE,
    ),
    "link-too-long": Problem(
        sign="generate_presigned_url with more than seven days",
        what="A link cannot last that long: ExpiresIn={seconds} seconds.",
        why="B2 accepts links for at most 7 days, which are {most} seconds.",
        do="Write a smaller number after ExpiresIn=, and make a new link when it has run out.",
        source="Backblaze docs, S3-compatible API; aws-cli issue 5464.",
    ),
    "form-not-on-b2": Problem(
        sign="generate_presigned_post",
        what="B2 has no upload forms: it answers them with 501 NotImplemented.",
        why="A form is sent with POST, and B2 takes uploads with PUT.",
        do="Make a link for one upload, and send the file there with PUT:\n"
        "    client.generate_presigned_url('put_object', Params=dict(Bucket=..., Key=...))",
        source="Backblaze docs, S3-compatible API: POST Object is not supported.",
    ),
    "no-keys-given": Problem(
        sign="boto3's NoCredentialsError, PartialCredentialsError, or an endpoint without https://",
        what="Your program connects on its own, and {reason}.",
        why="boto3 alone does not read .env.",
        do="Get the bucket from b2_client.py:\n    from b2_client import get_bucket",
        source=BOTOCORE,
    ),
    "own-client-in-practice": Problem(
        sign="both keys are empty, and a boto3 client that is not ours asks a server",
        what="Your program connects on its own, and both keys in .env are empty.",
        why="Practice works only with get_bucket() and get_client() from b2_client.py.",
        do="Use one of these two, or fill in both keys.",
        source=OUR_RULE,
    ),
    "unknown": Problem(
        sign="none of the above",
        what="Something went wrong that is not in this program's list: {code}.",
        why="{reason}",
        do="Show these lines to your teacher; they do not contain a key.",
        source=OUR_RULE,
    ),
}

OF_A_CLIENT = (  # with empty keys, no client of ours can have these problems
    "no-keys-given",
    "no-network",
    "host-not-found",
    "no-answer",
    "key-unknown",
    "application-key-wrong",
    "key-lacks-permission",
)
OF_THE_PROGRAM = (  # with these problems, the lines of the program are shown
    "no-such-object",
    "file-not-found",
    "file-not-allowed",
    "object-name-impossible",
    "too-many-names",
    "not-changed",
    "condition-not-met",
    "range-outside-file",
    "part-too-small",
    "object-too-large",
    "copy-onto-itself",
    "checksum-needed",
    "checksum-wrong",
    "object-lock-off",
    "request-refused",
    "no-such-setting",
    "not-on-b2",
    "bytes-needed",
    "file-mode-wrong",
    "stream-not-rewindable",
    "metadata-not-text",
    "link-too-long",
    "form-not-on-b2",
    "bytes-altered",
    "call-misspelt",
    "brackets-not-empty",
    "brackets-missing",
    "own-client-in-practice",
    "exception-not-known",
    "read-twice",
    "decode-missing",
    "import-misspelt",
    "object-not-usable",
    "no-keys-given",
    "key-lacks-permission",
    "other-bucket-not-found",
    "unknown",
)
