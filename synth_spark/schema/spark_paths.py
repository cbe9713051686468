"""How Spark is given a path, and takes it for one."""

#: Options with which a reader of files takes a path for a path, and not for a pattern of paths. Of several paths, of
#: which one reads as a pattern, Spark 4.2 reads all as often as there are such paths: so such a path is given alone.
LITERAL = {"__globPaths__": "false"}
