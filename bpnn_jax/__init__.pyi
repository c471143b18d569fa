# The public names, declared here and nowhere else: ``bpnn_jax._runtime.lazy`` reads this file.
from bpnn_jax._runtime.progress import progress_bar as progress_bar
from bpnn_jax.errors import InputError as InputError
from bpnn_jax.network import Network as Network
from bpnn_jax.network import apply as apply
from bpnn_jax.network import cross_entropy as cross_entropy
from bpnn_jax.network import half_squared_error as half_squared_error
from bpnn_jax.network import init as init
from bpnn_jax.network import init_paired as init_paired
from bpnn_jax.patterns import Patterns as Patterns
from bpnn_jax.patterns import load as _load
from bpnn_jax.rules import previous_gradient as previous_gradient
from bpnn_jax.storage import Saved as Saved
from bpnn_jax.storage import load_network as load_network
from bpnn_jax.storage import save_network as save_network
from bpnn_jax.training import DivergedError as DivergedError
from bpnn_jax.training import EpochsRun as EpochsRun
from bpnn_jax.training import ManyResult as ManyResult
from bpnn_jax.training import Settings as Settings
from bpnn_jax.training import TrainResult as TrainResult
from bpnn_jax.training import predict as predict
from bpnn_jax.training import run_epochs as run_epochs
from bpnn_jax.training import train as train
from bpnn_jax.training import train_many as train_many

load_patterns = _load
__version__: str
