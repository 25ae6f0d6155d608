"""What a dataset's entry in the registry must hold, for each format.

Apart from ``formats``, which reads the files, because each job parses the workflow and needs only this.
"""

#: the roles that ``files`` of an entry must name, by format
FORMAT_ROLES: dict[str, tuple[str, ...]] = {
    "idx": ("train_images", "train_labels", "test_images", "test_labels"),
    "cifar-binary": ("archive",),
    "sklearn-digits": ("table",),
}

#: formats whose files come with an installed package, so that they need no mirror
EMBEDDED = frozenset({"sklearn-digits"})
