"""The admin's import page: upload files or give an address, then watch the progress."""

import shutil
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.decorators import login_required, permission_required
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_POST
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from imagesets.celery_tasks import queue_import
from imagesets.errors import ImportRefused, reason_of
from imagesets.importing.class_tables import read_classes, read_labels
from imagesets.importing.jobs import (
    check_address,
    folder_of,
    is_silent,
    keep_upload,
    pace,
    remove_left_uploads,
)
from imagesets.models import Dataset, ImportJob

LISTED = 10
LOOKED_AT = 100  # of the last imports, for those that the reader may see

# Django's names of permissions; the site answers them from its users' roles.
IMPORT = "imagesets.change_dataset"
MAKE = "imagesets.add_dataset"
SEE_JOB = "imagesets.view_importjob"
READ_SERVER = "imagesets.read_server"  # superusers alone have it
PARQUET_ENDS = b"PAR1"


def _checked(upload: UploadedFile | None, read: Callable[[Path], Any]) -> UploadedFile | None:
    """The uploaded table, if it can be read; its errors become those of the form's field."""
    if upload is None:
        return None
    with tempfile.NamedTemporaryFile() as copy:
        for chunk in upload.chunks():
            copy.write(chunk)
        copy.flush()
        upload.seek(0)
        try:
            read(Path(copy.name))
        except ImportRefused as error:
            raise forms.ValidationError(str(error).replace(copy.name, upload.name or "")) from None
    return upload


class ImportForm(forms.Form):
    """The arguments of import_dataset, as uploads or an address."""

    slug = forms.SlugField(
        label="Dataset",
        max_length=100,
        help_text="Its short name: letters, digits, - and _. Importing into an existing dataset"
        " adds what is new.",
        widget=UnfoldAdminTextInputWidget,
    )
    name = forms.CharField(
        required=False,
        max_length=200,
        help_text="The name of a new dataset; if empty, the short name.",
        widget=UnfoldAdminTextInputWidget,
    )
    upload = forms.FileField(
        label="Images: a file",
        required=False,
        help_text="A zip of images or of an ImageFolder tree (key/file.jpg), or a Parquet file in"
        " Hugging Face's layout.",
        widget=UnfoldAdminFileFieldWidget,
    )
    address = forms.CharField(
        label="... or where they are",
        required=False,
        help_text="s3://bucket/prefix; for superusers also a folder or file of this server.",
        widget=UnfoldAdminTextInputWidget,
    )
    classes = forms.FileField(
        required=False,
        help_text="CSV: key,names,definition,wikipedia,superclass. Without it, WordNet ids as"
        " labels mean the 1,000 classes of ImageNet-1k.",
        widget=UnfoldAdminFileFieldWidget,
    )
    labels = forms.FileField(
        required=False,
        help_text="CSV: image,label. Not needed if folders or the Parquet file give the labels.",
        widget=UnfoldAdminFileFieldWidget,
    )
    strict = forms.BooleanField(
        required=False,
        label="Import nothing if any image cannot be used",
        widget=UnfoldBooleanWidget,
    )
    copy = forms.BooleanField(
        required=False,
        label="Keep copies of images that lie elsewhere",
        widget=UnfoldBooleanWidget,
    )

    def __init__(self, *args: Any, user: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.user = user

    def clean_slug(self) -> str:
        slug = self.cleaned_data["slug"]
        if not may_import_into(self.user, slug):
            raise forms.ValidationError(f"Your role does not let you import into {slug}.")
        return slug

    def clean_upload(self) -> Any:
        upload = self.cleaned_data["upload"]
        if not upload:
            return upload
        if not upload.name.lower().endswith((".zip", ".parquet")):
            raise forms.ValidationError(f"{upload.name} is neither .zip nor .parquet.")
        kind = upload.name.lower().rpartition(".")[2]
        if kind == "zip":
            whole = zipfile.is_zipfile(upload.file)
        else:
            upload.seek(max(0, upload.size - len(PARQUET_ENDS)))
            whole = upload.read() == PARQUET_ENDS
        upload.seek(0)
        if not whole:
            raise forms.ValidationError(f"{upload.name} cannot be read as a {kind} file.")
        return upload

    def clean_classes(self) -> Any:
        return _checked(self.cleaned_data["classes"], read_classes)

    def clean_labels(self) -> Any:
        return _checked(self.cleaned_data["labels"], read_labels)

    def clean_address(self) -> str:
        address = self.cleaned_data["address"].strip()
        if address and not address.startswith("s3://") and not self.user.has_perm(READ_SERVER):
            raise forms.ValidationError("Only a superuser can import from this server's files.")
        try:
            check_address(address or "s3://")
        except ImportRefused as error:
            raise forms.ValidationError(f"{error}.") from None
        return address

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors and bool(cleaned.get("upload")) == bool(cleaned.get("address")):
            raise forms.ValidationError("Give the images once: a file or an address.")
        return cleaned


def may_import_into(user: Any, slug: str) -> bool:
    """Whether the user may add to the dataset, or make it where there is none."""
    dataset = Dataset.objects.filter(slug=slug).first()
    return user.has_perm(IMPORT, dataset) if dataset else user.has_perm(MAKE)


def _visible_job(request: HttpRequest, job_id: int) -> ImportJob:
    row = get_object_or_404(ImportJob, pk=job_id)
    if not request.user.has_perm(SEE_JOB, row):
        raise Http404
    return row


@login_required
@permission_required(IMPORT, raise_exception=True)
def new(request: HttpRequest) -> HttpResponse:
    """The form, and the last imports started from it."""
    form = ImportForm(request.POST or None, request.FILES or None, user=request.user)
    status = 200
    if request.method == "POST":
        try:
            if form.is_valid():
                return redirect("import-job", start_from(form, request.user.get_username()).pk)
            status = 422
        except OSError as error:
            form.add_error(None, f"The files could not be kept: {reason_of(error)}.")
            status = 507
    recent = ImportJob.objects.all()[:LOOKED_AT]
    jobs = [row for row in recent if request.user.has_perm(SEE_JOB, row)]
    context = {
        **admin.site.each_context(request),
        "title": "Import a dataset",
        "form": form,
        "jobs": jobs[:LISTED],
    }
    return TemplateResponse(request, "admin/imagesets/import.html", context, status=status)


def start_from(form: ImportForm, who: str) -> ImportJob:
    """Keep the uploads of a valid form and make its job, both or neither; then queue it.

    Raises OSError if the uploads cannot be kept.
    """
    fields = form.cleaned_data
    remove_left_uploads()
    with transaction.atomic():
        job = ImportJob.objects.create(
            slug=fields["slug"],
            name=fields["name"],
            images=fields["address"] or fields["upload"].name,  # until it is kept
            strict=fields["strict"],
            copy=fields["copy"],
            created_by=who,
        )
        try:
            if fields["upload"]:
                ending = fields["upload"].name.lower().rpartition(".")[2]
                job.images = keep_upload(job, f"images.{ending}", fields["upload"])
            if fields["classes"]:
                job.classes = keep_upload(job, "classes.csv", fields["classes"])
            if fields["labels"]:
                job.labels = keep_upload(job, "labels.csv", fields["labels"])
            job.save()
        except BaseException:
            shutil.rmtree(folder_of(job), ignore_errors=True)
            raise
    queue_import(job)
    return job


@login_required
def job(request: HttpRequest, job_id: int) -> HttpResponse:
    """The progress of an import, or its result."""
    row = _visible_job(request, job_id)
    context = {
        **admin.site.each_context(request),
        "title": f"Import into {row.slug}",
        "job": row,
        "silent": is_silent(row),
        "pace": pace(row),
        "running": row.state in (ImportJob.State.WAITING, ImportJob.State.RUNNING),
    }
    response = TemplateResponse(request, "admin/imagesets/import_job.html", context)
    if context["running"]:
        response["Refresh"] = "2"
    return response


@login_required
@require_POST
def again(request: HttpRequest, job_id: int) -> HttpResponse:
    """Queue a lost import again; it resumes where it stopped."""
    row = _visible_job(request, job_id)
    if not may_import_into(request.user, row.slug):
        raise PermissionDenied
    if is_silent(row):
        queue_import(row)
    return redirect("import-job", row.pk)
